"""D learns from the unchanged real images."""

from typing import Any

from torch import Tensor

from sparring.model.discriminator_attack.base import DiscriminatorAttack


class NoAttack(DiscriminatorAttack):
    """The identity on the real images."""

    def forward(self, image: Tensor, label: Tensor, fake: Tensor, fake_label: Tensor, **_: Any) -> Tensor:
        return image
