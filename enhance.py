"""Enhance images with a trained enhancer: `python enhance.py run=logs/train/<run>`; `--help` says more."""

from sparring.cli import run

if __name__ == "__main__":
    run("enhance")
