"""Self-contained HTML reports, written from what a run directory holds and nothing else."""
