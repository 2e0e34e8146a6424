"""JPEG compression."""

from torch import Tensor

from sparring.core.errors import ConfigError
from sparring.corruption.tone import jpeg
from sparring.model.degradation.base import Degradation


class JPEG(Degradation):
    """Coded and decoded again, on the CPU.

    Args:
        quality: 1 to 95.
    """

    def __init__(self, *, factor: int, quality: int) -> None:
        super().__init__(factor=factor)
        if not 1 <= quality <= 95:
            raise ConfigError(f"model.degradation.quality={quality} must be from 1 to 95.")
        self.quality = quality

    def degrade(self, image: Tensor, seed: int, index: Tensor) -> Tensor:
        return jpeg(image, self.quality, index=index)
