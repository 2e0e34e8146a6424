"""`train.py` in a process that dies without warning at the start of iteration KILL_AT, as kill -9 or a power cut would do."""

import os
import sys
from pathlib import Path

from sparring.cli import run
from sparring.model.gan import GAN

original = GAN.training_step


def dying_step(self: GAN, batch: object, batch_idx: int) -> None:
    if self.clock.iteration == int(os.environ["KILL_AT"]):
        os._exit(9)
    original(self, batch, batch_idx)  # type: ignore[arg-type]


if __name__ == "__main__":
    GAN.training_step = dying_step  # type: ignore[method-assign]
    root = Path(__file__).resolve().parents[2]
    sys.argv[0] = str(root / "train.py")
    run("train", config_dir=root / "conf")
