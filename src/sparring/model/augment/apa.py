"""Adaptive pseudo augmentation (Jiang et al. 2021, "Deceive D", section 3.2)."""

import torch
from torch import Tensor

from sparring.model.augment.base import Adaptive
from sparring.model.part import Draws


class APA(Adaptive):
    """With probability p a real image is replaced by a generated one that D is told is real; p adapts as in ADA.

    Image i gives way to generated image i of the same step, with its label. r is taken over what was shown as real, as in
    the authors' code.
    """

    def forward(self, image: Tensor, draws: Draws) -> Tensor:
        return image

    def real(
        self, image: Tensor, label: Tensor, fake: Tensor, fake_label: Tensor, draws: Draws
    ) -> tuple[Tensor, Tensor]:
        chosen = draws.uniform("apa") < self.p * self.factor
        return torch.where(chosen[:, None, None, None], fake, image), torch.where(chosen, fake_label, label)
