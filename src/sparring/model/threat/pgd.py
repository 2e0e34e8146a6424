"""Rob-GAN: D learns from the worst real images within epsilon (Liu and Hsieh 2019, "Rob-GAN", section 3.2)."""

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from sparring.attack.base import attacked
from sparring.attack.objective import Objective
from sparring.attack.pgd import PGD
from sparring.model.part import Draws, Judged
from sparring.model.threat.base import Threat
from sparring.randomness import seed_of

if TYPE_CHECKING:
    from sparring.model.gan import GAN


class PGDThreat(Threat):
    """Real images are moved by PGD to where D's whole loss, the head's class loss with it, is largest.

    D is attacked in eval mode with frozen weights, and the generated images stay as they are. With model/head=auxiliary this
    is Rob-GAN, whose head is a robust classifier of the images.

    norm: "linf" or "l2". epsilon: fraction of the pixel range. steps, reach, start: as of attack=pgd.
    """

    def __init__(self, *, norm: str, epsilon: float | str, steps: int, reach: float, start: str) -> None:
        super().__init__()
        self.attack = _Dearest(
            norm=norm,
            epsilon=epsilon,
            steps=steps,
            reach=reach,
            start=start,
            restarts=1,
            loss="cross_entropy",
            momentum=0.0,
        )

    def forward(
        self, gan: "GAN", image: Tensor, label: Tensor, fake: Tensor, fake_label: Tensor, draws: Draws
    ) -> Tensor:
        with attacked(gan.discriminator), torch.no_grad():
            beside = Judged(fake, fake_label, *gan.discriminator.judge(fake, fake_label))
        seed = seed_of("threat", gan.seed, *draws.key)
        moved = self.attack(Price(gan, label, beside), image, label, index=draws.index(), seed=seed)
        return moved.to(image.dtype)


class Price(nn.Module):
    """image (N, C, H, W) -> what each would cost D as real, (N,): the adversarial loss and the head's terms, not its penalties.

    label: (N,) of the images. fake: the generated images beside them.
    """

    def __init__(self, gan: "GAN", label: Tensor, fake: Judged) -> None:
        super().__init__()
        self.discriminator, self.loss = gan.discriminator, gan.loss
        self.label, self.fake = label, fake

    def forward(self, image: Tensor) -> Tensor:
        real = Judged(image, self.label, *self.discriminator.judge(image, self.label))
        terms = self.discriminator.head.discriminator_terms(real, self.fake)
        return self.loss.discriminator(real.logits, self.fake.logits) + sum(terms.values())


class _Dearest(PGD):
    """PGD on a model that returns the loss itself."""

    def _objective(self, model: nn.Module, image: Tensor) -> Objective:
        return lambda price, label: price
