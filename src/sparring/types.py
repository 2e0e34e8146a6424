"""What several packages share: the batch and the shape of the data."""

from dataclasses import dataclass
from typing import NamedTuple

from torch import Tensor

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
