"""Random left-right mirror."""

import torch
from torch import Tensor

from sparring.model.step.draws import Draws
from sparring.model.transform.base import ImageTransform, check_share


class Flip(ImageTransform):
    """Mirrors an image with `probability` [0, 1]. Not for digits and letters."""

    def __init__(self, *, probability: float) -> None:
        self.probability = check_share("flip.probability", probability)

    def change(self, image: Tensor, draws: Draws) -> Tensor:
        mirrored = draws.uniform("mirror") < self.probability
        return torch.where(mirrored[:, None, None, None], image.flip(3), image)
