#!/usr/bin/env python3
"""Show every run of a folder on one page: `python report.py runs=logs`; `--help` says more."""

from sparring.cli import run

if __name__ == "__main__":
    run("report")
