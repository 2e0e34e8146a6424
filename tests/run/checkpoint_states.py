"""Small checkpoints whose content can be checked, for the tests of the checkpoint writer."""

from pathlib import Path
from typing import Any

import torch

from sparring.run.checkpoint import VerifiedCheckpointIO


def state(value: int, size: int = 1000) -> dict[str, Any]:
    return {"value": value, "weight": torch.full((size,), float(value)), "names": ["a", "b"], "nested": {"lr": 0.1}}


def value_of(path: Path) -> int:
    loaded = VerifiedCheckpointIO().load_checkpoint(path)
    assert torch.equal(loaded["weight"], torch.full_like(loaded["weight"], float(loaded["value"])))
    return int(loaded["value"])


def stray(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.name.startswith(".tmp-")]
