"""`train.py` on a disk that has no room for weights: every write of `weights.safetensors` fails."""

import errno
from pathlib import Path

from sparring.cli import run
from sparring.core.atomic import disk_error
from sparring.run import weights


def no_room(path: Path, *arguments: object) -> None:
    raise disk_error(path, OSError(errno.ENOSPC, "No space left on device"))


if __name__ == "__main__":
    weights.save = no_room  # type: ignore[assignment]
    run("train", config_dir=Path(__file__).resolve().parents[2] / "conf")
