"""Train a model: `python train.py model=dcgan data=cifar10 trainer.devices=2`; `--help` says more."""

from pathlib import Path

from dotenv import load_dotenv

from sparring.cli import run

HERE = Path(__file__).resolve().parent

if __name__ == "__main__":
    load_dotenv(HERE / ".env")
    run("train", config_dir=HERE / "conf")
