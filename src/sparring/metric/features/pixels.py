"""The pixels themselves, without a network: the baseline that a feature network must beat."""

from typing import Any

from torch import Tensor

from sparring.core.errors import ConfigError
from sparring.metric.features.base import Features


class PixelFeatures(Features):
    """Pixels / 255, flattened in the order channel, row, column. dim = C H W."""

    name = "pixels"
    shape: tuple[int, int, int] = (0, 0, 0)

    def expect(self, *, channels: int, image_size: int) -> None:
        self.shape = (channels, image_size, image_size)
        self.dim = channels * image_size**2

    def protocol(self) -> dict[str, Any]:
        return {"features": self.name, "weights": None, "resize": None, "range": [0.0, 1.0]}

    def _extract(self, image: Tensor) -> tuple[Tensor, None]:
        if image.shape[1:] != self.shape:
            raise ConfigError(f"Images of shape {tuple(image.shape[1:])}, but data says {self.shape}: they must agree.")
        return image.flatten(1).float() / 255, None
