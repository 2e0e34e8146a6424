"""Gaussian noise."""

from torch import Tensor

from sparring.core.randomness import normal
from sparring.model.degradation.base import Degradation, share


class Noise(Degradation):
    """Independent noise in every pixel and channel.

    Args:
        std: standard deviation, a fraction of the pixel range.
    """

    def __init__(self, *, factor: int, std: float) -> None:
        super().__init__(factor=factor)
        self.std = share(std, name="std")

    def degrade(self, image: Tensor, seed: int, index: Tensor) -> Tensor:
        return image + self.std * normal(image, "noise", seed, index=index)
