#!/usr/bin/env python3
"""Run a study: `python study.py study=seed_noise data=digits`; `--help` says more."""

from sparring.cli import run

if __name__ == "__main__":
    run("study")
