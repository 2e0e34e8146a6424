"""Adaptive pseudo augmentation (Jiang et al. 2021, "Deceive D", section 3.2)."""

from collections.abc import Callable

import torch
from torch import Tensor

from sparring.model.augment.base import Adaptive
from sparring.model.step.draws import Draws


class APA(Adaptive):
    """With probability p a real image is replaced by a generated one that is presented to D as real; p adapts as in ADA.

    The generated image has the same label and appears nowhere else in the step: a loss that pairs would see no difference
    between an image and itself. r is taken over the images presented as real, as in the authors' code.
    """

    def forward(self, image: Tensor, draws: Draws) -> Tensor:
        return image

    def real(self, image: Tensor, label: Tensor, generate: Callable[[Tensor], Tensor], draws: Draws) -> Tensor:
        chosen = draws.uniform("apa") < self.p * self.factor
        return torch.where(chosen[:, None, None, None], generate(label), image)
