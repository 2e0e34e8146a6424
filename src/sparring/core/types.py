"""What several packages share: the batch and the shape of the data."""

from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

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


class TrainingData(Protocol):
    """The data that a model is trained on, as far as the model reads it; `ImageData` implements it."""

    batch_size: int  # images of one chunk, over all devices

    @property
    def train_labels(self) -> Tensor:
        """(N,) int64 labels of the training images, on the CPU."""

    @property
    def class_prior(self) -> Tensor:
        """(K,) float32 share of each class among the training images, summing to 1."""

    @property
    def batch_prior(self) -> Tensor:
        """(K,) expected share of each class in a training batch, images mixed in included."""

    def train_images(self, indices: Tensor) -> Tensor:
        """uint8 (n, C, H, W): training images at positions (n,) from 0 to N - 1."""

    def whole(self, split: str) -> Batch:
        """All images of "train", "val" or "test" with their labels, uint8 (N, C, H, W), on the CPU; N may be 0."""


@dataclass(frozen=True)
class TrainedNetwork:
    """network: images (N, C, H, W) in [-1, 1] -> logits (N, K); on the CPU, in eval mode, weights frozen.

    task: the images and classes that it was trained on. origin: where it comes from, for records; plain values.
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
