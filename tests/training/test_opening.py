"""The first lines of a training."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch

from sparring.training.opening import opening_lines

NOTE = "Note: trainer.strategy=fsdp has one device: nothing is divided."


@pytest.mark.parametrize(
    ("strategy", "world", "noted"), [("fsdp", 1, True), ("fsdp", 2, False), ("ddp", 1, False), ("ddp", 2, False)]
)
def test_weights_that_cannot_be_divided_are_noted(strategy: str, world: int, noted: bool) -> None:
    trainer: Any = SimpleNamespace(
        strategy=SimpleNamespace(root_device=torch.device("cpu")), world_size=world, precision="32-true", max_steps=5
    )
    data = SimpleNamespace(
        shape=SimpleNamespace(image_size=8, channels=1, num_classes=3), batch_size=4,
        whole=lambda _: SimpleNamespace(label=torch.zeros(7)),
    )  # fmt: skip
    parts: Any = SimpleNamespace(model=SimpleNamespace(compiled=False, factories={}), data=data)
    lines = opening_lines(parts, trainer, strategy)
    assert (NOTE in lines) == noted
    assert len(lines) == 3 + noted
