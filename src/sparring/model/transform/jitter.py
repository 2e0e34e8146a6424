"""Colour jitter: random brightness, contrast and saturation."""

from torch import Tensor

from sparring.model.step.draws import Draws
from sparring.model.transform.base import ImageTransform, check_share
from sparring.model.transform.math import pixel


class Jitter(ImageTransform):
    """In this order, each strength s in [0, 1] draws a factor from 1 - s to 1 + s per image; 0 switches a change off."""

    def __init__(self, *, brightness: float, contrast: float, saturation: float) -> None:
        self.brightness = check_share("jitter.brightness", brightness)
        self.contrast = check_share("jitter.contrast", contrast)
        self.saturation = check_share("jitter.saturation", saturation)

    def change(self, image: Tensor, draws: Draws) -> Tensor:
        signed = draws.uniform("factors", 3) * 2 - 1
        image = pixel.brightness(image, 1 + self.brightness * signed[:, 0])
        image = pixel.contrast(image, 1 + self.contrast * signed[:, 1])
        return pixel.saturation(image, 1 + self.saturation * signed[:, 2])
