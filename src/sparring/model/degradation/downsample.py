"""Smaller images, with the noise of a sensor."""

from torch import Tensor

from sparring.core.randomness import normal
from sparring.model.degradation.base import Degradation, share


class Downsample(Degradation):
    """Reduced by `factor`, then Gaussian noise.

    Args:
        noise: standard deviation, a fraction of the pixel range.
    """

    def __init__(self, *, factor: int, noise: float) -> None:
        super().__init__(factor=factor)
        self.noise = share(noise, name="noise")

    def degrade(self, image: Tensor, seed: int, index: Tensor) -> Tensor:
        return image

    def after(self, image: Tensor, seed: int, index: Tensor) -> Tensor:
        return image + self.noise * normal(image, "downsample", seed, index=index) if self.noise else image
