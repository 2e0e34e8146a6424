#!/usr/bin/env python3
"""Explain a trained run: `python explain.py run=logs/train/<run>`; `--help` says more."""

from sparring.cli import run

if __name__ == "__main__":
    run("explain")
