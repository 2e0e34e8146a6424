"""No augmentation."""

from torch import Tensor

from sparring.model.augment.base import Augment
from sparring.model.step.draws import Draws


class NoAugment(Augment):
    """The identity."""

    def forward(self, image: Tensor, draws: Draws) -> Tensor:
        return image
