#!/usr/bin/env python3
"""Play with a trained GAN in the browser: `python play.py run=logs/train/<run>`; `--help` says more."""

from sparring.cli import run

if __name__ == "__main__":
    run("play")
