"""Points in the plane as images of one pixel and two channels: a GAN that can be watched whole.

The two channels are the coordinates, 0 to 255 for -1 to 1, so that everything which needs no neighbouring pixels takes them for
images: games of fully connected networks and the flow, and metrics of pixels. Presets of convolutions refuse them. The shapes are
those that mode collapse is usually shown on (Metz et al. 2017, "Unrolled GANs", ring; Srivastava et al. 2017, "VEEGAN", grid;
scikit-learn's two moons).
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from sparring.core.errors import ConfigError
from sparring.data.reading.source import Location, Pixels, Reading, Source, slices

SHAPES = ("ring", "grid", "moons")
TRAIN, TEST = 4000, 1000
REACH = 0.7  # of the outermost centres, in coordinates from -1 to 1


class Toy2D(Source):
    """Images of shape (2, 1, 1); the class of a point is the mode, or the moon, that it was drawn from.

    Args:
        shape: ring, grid or moons.
        modes: by shape, how many classes; a square number for the grid, 2 for the moons.
        spread: standard deviation of a mode, in coordinates from -1 to 1.

    A shape that there is not, or a number of modes that it cannot have, is refused when the points are drawn (ConfigError).
    """

    channels = 2
    image_size = 1

    def __init__(self, *, shape: str, modes: Mapping[str, int], spread: float) -> None:
        self.shape, self.spread, self.per_shape = shape, spread, modes

    def identity(self, location: Location) -> dict[str, Any]:
        keys = "path", "hub_id", "hub_config", "revision", "image_column", "label_column"
        location.refuse(*keys, because="data=toy2d draws its points itself")
        return {"set": "toy2d", "version": 1, "shape": self.shape, "modes": self.modes, "spread": self.spread}

    @property
    def modes(self) -> int:
        """Classes of the shape. Raises ConfigError: a setting that there is not."""
        if self.shape not in SHAPES or self.shape not in self.per_shape:
            raise ConfigError(f"data.source.shape={self.shape} is none of {', '.join(SHAPES)}; give one of them.")
        if not 0 < self.spread <= 0.5:
            raise ConfigError(f"data.source.spread={self.spread} must be above 0 and at most 0.5.")
        modes = self.per_shape[self.shape]
        fits = {"ring": modes >= 1, "grid": modes >= 1 and math.isqrt(modes) ** 2 == modes, "moons": modes == 2}
        if not fits[self.shape]:
            wanted = {"ring": "1 or more", "grid": "a square number, such as 25", "moons": "2"}[self.shape]
            raise ConfigError(f"data.source.modes.{self.shape}={modes} must be {wanted}.")
        return modes

    def read(self, location: Location) -> Reading:
        random = np.random.default_rng(0)
        chunks: list[Pixels] = []
        for split, count in (("train", TRAIN), ("test", TEST)):
            label = np.arange(count) % self.modes
            point = self._centres(label, random) + random.normal(0, self.spread, (count, 2))
            pixels = np.round((point.clip(-1, 1) + 1) / 2 * 255).astype(np.uint8)
            chunks += slices(split, pixels[:, :, None, None], label, f"toy2d, {self.shape},")
        return Reading(tuple(str(k) for k in range(self.modes)), iter(chunks), {"shape": self.shape})

    def _centres(self, label: np.ndarray, random: np.random.Generator) -> np.ndarray:
        """(N, 2) what the points of classes (N,) scatter around, in -1 to 1."""
        if self.shape == "ring":
            angle = 2 * math.pi * label / self.modes
            return REACH * np.stack([np.cos(angle), np.sin(angle)], 1)
        if self.shape == "grid":
            side = math.isqrt(self.modes)
            line = np.linspace(-REACH, REACH, side) if side > 1 else np.zeros(1)
            return np.stack([line[label % side], line[label // side]], 1)
        angle = math.pi * random.random(len(label))
        x, y = np.cos(angle), np.sin(angle)  # the upper moon; the lower one is turned and lies between
        upper, lower = np.stack([x, y], 1), np.stack([1 - x, 0.5 - y], 1)
        both = np.where(label[:, None] == 0, upper, lower)
        return (both - np.array([0.5, 0.25])) * REACH / 1.5
