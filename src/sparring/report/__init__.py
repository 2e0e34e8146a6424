"""Self-contained HTML reports, written from what a run directory holds and nothing else."""

from sparring.report.train import train_report

__all__ = ["train_report"]
