#!/usr/bin/env python3
"""Measure generated images: `python evaluate.py run=logs/train/<run>`; `--help` says more."""

from sparring.cli import run

if __name__ == "__main__":
    run("evaluate")
