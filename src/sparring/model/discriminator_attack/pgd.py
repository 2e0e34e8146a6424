"""Rob-GAN: D learns from adversarial real images within epsilon (Liu and Hsieh 2019, "Rob-GAN", section 3.2)."""

import torch
from torch import Tensor, nn

from sparring.attack.math.objective import Objective
from sparring.attack.pgd import PGD
from sparring.core.modules import frozen_eval
from sparring.core.randomness import seed_of
from sparring.model.discriminator.base import Discriminator
from sparring.model.discriminator_attack.base import DiscriminatorAttack
from sparring.model.loss.base import Loss
from sparring.model.step.draws import Draws
from sparring.model.step.views import DiscriminatorOutput


class PGDDiscriminatorAttack(DiscriminatorAttack):
    """PGD on the real images that maximises D's loss, with the head's class losses.

    D is attacked in eval mode with frozen weights; the generated images are not changed. With model/head=auxiliary this is
    Rob-GAN, whose head is a robust classifier of the images.

    Args:
        norm: "linf" or "l2". epsilon: fraction of the pixel range (0, 1]. steps, step_size, start: as of `PGD`.

    Raises:
        ConfigError: a setting out of range.
    """

    def __init__(
        self, *, norm: str, epsilon: float | str, steps: int, step_size: float | str | None, start: str
    ) -> None:
        super().__init__()
        self.attack = _CostPGD(
            norm=norm, epsilon=epsilon, steps=steps, step_size=step_size, start=start, restarts=1, loss="cross_entropy",
            momentum=0.0,
        )  # fmt: skip

    def forward(
        self, image: Tensor, label: Tensor, fake: Tensor, fake_label: Tensor, *, discriminator: Discriminator, loss: Loss,
        draws: Draws,
    ) -> Tensor:  # fmt: skip
        with frozen_eval(discriminator), torch.no_grad():
            generated = discriminator.forward_with_features(fake, fake_label)
        cost = DiscriminatorCost(discriminator, loss, label, generated)
        seed = seed_of("threat", draws.seed, *draws.key)
        return self.attack(cost, image, label, index=draws.index(), seed=seed).to(image.dtype)


class DiscriminatorCost(nn.Module):
    """D's loss as a function of the real images: (N, C, H, W) -> (N,), the adversarial loss and the head's terms.

    Args:
        label: (N,) of the images. generated: D's output for the generated images of the step.
    """

    def __init__(self, discriminator: Discriminator, loss: Loss, label: Tensor, generated: DiscriminatorOutput) -> None:
        super().__init__()
        self.discriminator, self.loss = discriminator, loss
        self.label, self.generated = label, generated

    def forward(self, image: Tensor) -> Tensor:
        real = self.discriminator.forward_with_features(image, self.label)
        terms = self.discriminator.head.discriminator_terms(real, self.generated)
        return self.loss.discriminator(real.logits, self.generated.logits) + sum(terms.values())


class _CostPGD(PGD):
    """PGD on a model that returns the loss itself."""

    def _objective(self, model: nn.Module, image: Tensor) -> Objective:
        return lambda cost, label: cost
