#!/usr/bin/env python3
"""Draw images from a trained generator: `python generate.py run=logs/train/<run>`; `--help` says more."""

from sparring.cli import run

if __name__ == "__main__":
    run("generate")
