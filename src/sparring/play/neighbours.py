"""The training images that are nearest to one: what a generator may have remembered."""

import threading
from dataclasses import dataclass

from torch import Tensor

from sparring.data.module.image_data import ImageData
from sparring.metric.memorisation import nearest_train

SAMPLED, DARK = 256, 64  # images that are looked at; a value of 0 to 255


@dataclass(frozen=True)
class Nearest:
    """image: (k, C, H, W) uint8, nearest first. label: (k,). distance: (k,) root mean square difference of the pixels, 0 to 1."""

    image: Tensor
    label: Tensor
    distance: Tensor


class TrainingImages:
    """The training images of a run, opened when they are first asked for."""

    def __init__(self, data: ImageData) -> None:
        self._data, self._lock = data, threading.Lock()
        self._flat: Tensor | None = None

    def nearest(self, image: Tensor, count: int) -> Nearest:
        """The `count` nearest by their pixels to an image (1, C, H, W) uint8; fewer where there are fewer."""
        with self._lock:
            if self._flat is None:
                self.image, self.label = self._data.whole("train")
                self._flat = self.image.flatten(1).float() / 255
        distance, row = nearest_train(image.flatten(1).float() / 255, self._flat, k=min(count, len(self.label)))
        rows = row[0]
        per_pixel = distance[0] / self._flat.shape[1] ** 0.5
        return Nearest(self.image[rows], self.label[rows], per_pixel)

    @property
    def class_names(self) -> tuple[str, ...]:
        return self._data.class_names

    @property
    def dark(self) -> bool:
        """Whether images are light on dark, as digits are: half of the pixels of the first ones are dark."""
        with self._lock:
            images, _ = self._data.whole("train")
        return bool(images[:SAMPLED].median() < DARK)
