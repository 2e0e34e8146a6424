"""`train.py` on a disk that has no room for weights: every write of `weights.safetensors` fails."""

import errno
from pathlib import Path

from sparring.atomic import disk_error
from sparring.cli import run
from sparring.run_dir import RunDir


def no_room(self: RunDir, *arguments: object) -> None:
    raise disk_error(self.weights, OSError(errno.ENOSPC, "No space left on device"))


if __name__ == "__main__":
    RunDir.save_weights = no_room  # type: ignore[method-assign]
    run("train", config_dir=Path(__file__).resolve().parents[2] / "conf")
