"""The package itself: its version, stated here alone, and where its files are."""

from pathlib import Path

DESCRIPTION = "sparring: deep GANs for image classification, from one config to a result that a reviewer believes."
VERSION = "0.1.0"
FOLDER = Path(__file__).resolve().parents[1]


def _config_dir() -> Path:
    """conf/, which a wheel carries inside the package and a checkout has at its top."""
    inside = FOLDER / "conf"
    return inside if inside.is_dir() else FOLDER.parents[1] / "conf"


CONFIG_DIR = _config_dir()
