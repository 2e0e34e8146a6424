#!/usr/bin/env python3
"""Train a model: `python train.py model=dcgan data=cifar10 trainer.devices=2`; `--help` says more."""

from sparring.cli import run

if __name__ == "__main__":
    run("train")
