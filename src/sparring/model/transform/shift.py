"""Random crop of the padded image: a shift by whole pixels."""

import torch
from torch import Tensor

from sparring.core.errors import ConfigError
from sparring.core.pixels import crop_and_flip
from sparring.model.step.draws import Draws
from sparring.model.transform.base import ImageTransform


class Shift(ImageTransform):
    """A shift by up to `pixels` in both directions, uniform; the image is reflected beyond its edge.

    Raises:
        ConfigError: a negative shift, or one as large as the image.
    """

    def __init__(self, *, pixels: int) -> None:
        if pixels < 0:
            raise ConfigError(f"model.transform.shift.pixels={pixels} must be 0 or more.")
        self.pixels = pixels

    def change(self, image: Tensor, draws: Draws) -> Tensor:
        if self.pixels >= image.shape[-1]:
            raise ConfigError(
                f"model.transform.shift.pixels={self.pixels} must be below the image size {image.shape[-1]}."
            )
        corner = (draws.uniform("corner", 2) * (2 * self.pixels + 1)).long()
        return crop_and_flip(image, corner, torch.zeros(len(image), dtype=torch.bool, device=image.device), self.pixels)
