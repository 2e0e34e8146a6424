"""Run directories as a training leaves them, made of texts."""

from pathlib import Path
from typing import Any

import torch

from sparring.core.picture import grid, write_png
from sparring.run.directory import RunDir

CONFIG = """schema_version: 2
name: rpgan_digits
seed: 1
data: {name: digits, image_size: 8, channels: 1, num_classes: 10, batch_size: 64}
model: {generator: {_target_: sparring.model.generator.conv.ConvGenerator}, regularizer: {r1: {}, r2: {}}}
trainer: {max_steps: 600, precision: 32-true, devices: 1}
paths: {root_dir: %s}
"""
METRICS = """iteration,images_seen,loss/generator,loss/discriminator,lr/generator,speed/images_per_second,val/x
25,1600,1.5,0.6,0.002,800,
50,3200,1.25,nan,0.002,1600,0.5
75,4800,0.987,0.7,0.002,1600,
100,64
"""
RESULT = {
    "config_hash": "f" * 64, "data": {"name": "digits", "fingerprints": {"train": "abc123"}}, "metrics": {},
    "parameters": {"generator": 72545}, "environment": {"device": "a computer", "packages": {"torch": "2.13.0"}},
    "cost": {"seconds": 75.0, "seconds_with_set_up": 80.0, "images_seen": 4800, "peak_memory_mb": {"process": 466.1}},
}  # fmt: skip


def make_run(path: Path, *, images: bool = True, metrics: str = METRICS, overrides: str = "- seed=1\n") -> Path:
    (path / ".hydra").mkdir(parents=True)
    (path / "images").mkdir()
    (path / ".hydra" / "config.yaml").write_text(CONFIG % path.parent)
    (path / ".hydra" / "overrides.yaml").write_text(overrides)
    (path / "metrics.csv").write_text(metrics)
    if images:
        for i, name in enumerate(["real", *(f"samples_{iteration:08d}" for iteration in (0, 25, 75))]):
            write_png(
                path / "images" / f"{name}.png", grid(torch.full((4, 1, 8, 8), 40 * i, dtype=torch.uint8), columns=2)
            )
    return path


def finish(path: Path, state: Any = "finished", reason: str = "all 75 iterations") -> Path:
    RunDir(path).write_status(state, reason, 0, {"iteration": 75, "images_seen": 4800}, "checkpoints/last.ckpt")
    return path
