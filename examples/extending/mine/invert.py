"""A transform of a classifier's training images: their negatives."""

from torch import Tensor

from sparring.model.step.draws import Draws
from sparring.model.transform.base import ImageTransform, check_share


class Invert(ImageTransform):
    """Each image (C, H, W) in [-1, 1] changes its sign with `probability`."""

    def __init__(self, *, probability: float) -> None:
        self.probability = check_share("invert.probability", probability)

    def change(self, image: Tensor, draws: Draws) -> Tensor:
        flipped = draws.uniform("invert") < self.probability  # (N,), the same numbers on any number of devices
        return image.where(~flipped[:, None, None, None], -image)
