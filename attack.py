"""Attack a trained classifier: `python attack.py run=logs/train/<run>`; `--help` says more."""

from pathlib import Path

from dotenv import load_dotenv

from sparring.cli import run

HERE = Path(__file__).resolve().parent

if __name__ == "__main__":
    load_dotenv(HERE / ".env")
    run("attack", config_dir=HERE / "conf")
