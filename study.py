"""Run a study: `python study.py study=seed_noise data=digits`; `--help` says more."""

from pathlib import Path

from dotenv import load_dotenv

from sparring.cli import run

HERE = Path(__file__).resolve().parent

if __name__ == "__main__":
    load_dotenv(HERE / ".env")
    run("study", config_dir=HERE / "conf")
