"""Self-contained HTML reports, written from what a run directory holds and nothing else."""

from sparring.report.study import study_report
from sparring.report.train import train_report

__all__ = ["study_report", "train_report"]
