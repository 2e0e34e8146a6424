"""Cutout (DeVries and Taylor 2017, section 3.2)."""

from torch import Tensor

from sparring.model.augment.math.pixels import cut_out
from sparring.model.step.draws import Draws
from sparring.model.transform.base import ImageTransform, check_share


class Cutout(ImageTransform):
    """A square of `size` (share [0, 1]) of the side set to mid-grey, centred anywhere, so that it may be cut at the edge."""

    def __init__(self, *, size: float) -> None:
        self.size = check_share("cutout.size", size)

    def change(self, image: Tensor, draws: Draws) -> Tensor:
        return cut_out(image, draws.uniform("centre", 2), round(self.size * image.shape[-1]))
