"""What several packages share: the batch and the shape of the data."""

from dataclasses import dataclass
from typing import Any, NamedTuple

from torch import Tensor, nn

from sparring.core.task import Task

UNLABELLED = -1


class Batch(NamedTuple):
    """Images and their labels.

    image: (N, C, H, W); uint8 at rest, float32 in [-1, 1] in flight.
    label: (N,) int64 class indices; -1 means unlabelled.
    """

    image: Tensor
    label: Tensor


@dataclass(frozen=True)
class ImageShape:
    """Shape of one image and the number of classes, as `conf/data` states them."""

    channels: int
    image_size: int
    num_classes: int


@dataclass(frozen=True)
class TrainedNetwork:
    """network: images (N, C, H, W) in [-1, 1] -> logits (N, K); on the CPU, in eval mode, weights frozen.

    task: the images and classes that it was trained on. origin: what a record says about where it comes from; plain values.
    """

    network: nn.Module
    task: Task
    origin: dict[str, Any]

    @property
    def class_names(self) -> tuple[str, ...]:
        return self.task.class_names

    @property
    def channels(self) -> int:
        return self.task.channels

    @property
    def image_size(self) -> int:
        return self.task.image_size
