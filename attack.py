#!/usr/bin/env python3
"""Attack a trained classifier: `python attack.py run=logs/train/<run>`; `--help` says more."""

from sparring.cli import run

if __name__ == "__main__":
    run("attack")
