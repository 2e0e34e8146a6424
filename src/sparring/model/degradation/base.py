"""The base of degradations."""

from abc import ABC, abstractmethod

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from sparring.core.errors import ConfigError
from sparring.core.pixels import normalise, to_uint8


class Degradation(ABC):
    """Base of every `sparring.model.degradation.<name>` leaf: subclasses define `degrade`.

    Degraded images are whole numbers of 256 levels, as a file would hold them.

    Args:
        factor: the image is reduced by it in both directions (bicubic, antialiased), after what the leaf does to it.

    Raises:
        ConfigError: a factor that is no whole number above 0.
    """

    def __init__(self, *, factor: int) -> None:
        if isinstance(factor, bool) or not isinstance(factor, int) or factor < 1:
            raise ConfigError(
                f"model.degradation.factor={factor} is no whole number above 0; give 1 for the same size, or more."
            )
        self.factor = factor

    @torch.no_grad()
    def __call__(self, image: Tensor, *, seed: int, index: Tensor) -> Tensor:
        """Degraded images (N, C, H / factor, W / factor) in [-1, 1] of images (N, C, H, W) in [-1, 1].

        Args:
            index: (N,) int64 on the CPU; what is drawn for an image depends on (seed, index) alone.
        """
        done = self.degrade((image.float() + 1) / 2, seed, index).clamp(0, 1)
        if self.factor > 1:
            size = [side // self.factor for side in image.shape[2:]]
            done = interpolate(done, size=size, mode="bicubic", antialias=True, align_corners=False)
        return normalise(to_uint8(2 * self.after(done, seed, index) - 1)).to(image.dtype)

    def check(self, image_size: int) -> None:
        """Raise ConfigError where images of this size cannot be reduced."""
        if image_size % self.factor:
            raise ConfigError(
                f"model.degradation.factor={self.factor} does not divide data.image_size={image_size}; give one that does."
            )

    @abstractmethod
    def degrade(self, image: Tensor, seed: int, index: Tensor) -> Tensor:
        """Images (N, C, H, W) in [0, 1] -> the same shape, before they are reduced."""

    def after(self, image: Tensor, seed: int, index: Tensor) -> Tensor:
        """Reduced images (N, C, h, w) in [0, 1] -> the same shape."""
        return image


def share(value: float, *, name: str) -> float:
    """Raise ConfigError for a setting that is no fraction of the pixel range from 0 to 1."""
    if not 0 <= value <= 1:
        raise ConfigError(f"model.degradation.{name}={value} must be from 0 to 1.")
    return value
