#!/usr/bin/env python3
"""Take the networks of a run out of it: `python export.py run=logs/train/<run>`; `--help` says more."""

from sparring.cli import run

if __name__ == "__main__":
    run("export")
