"""The package itself: its version, stated here alone, and where its files are."""

from pathlib import Path

VERSION = "0.1.0"
FOLDER = Path(__file__).resolve().parents[1]
