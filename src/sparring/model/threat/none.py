"""D learns from the real images as they are."""

from typing import TYPE_CHECKING

from torch import Tensor

from sparring.model.part import Draws
from sparring.model.threat.base import Threat

if TYPE_CHECKING:
    from sparring.model.gan import GAN


class Harmless(Threat):
    def forward(
        self, gan: "GAN", image: Tensor, label: Tensor, fake: Tensor, fake_label: Tensor, draws: Draws
    ) -> Tensor:
        return image
