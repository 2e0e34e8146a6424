"""SRGAN (Ledig et al. 2017): a restorer whose images a discriminator shall not tell from originals."""

from typing import Any

import torch
from torch import Tensor

from sparring.core.errors import ConfigError
from sparring.core.modules import frozen
from sparring.model.checks import check_discriminator
from sparring.model.discriminator.base import Discriminator
from sparring.model.game import OptimizerFactory
from sparring.model.head.base import HeadMaker
from sparring.model.loss.base import Loss
from sparring.model.restorer import Restorer
from sparring.model.step.recipe import Recipe


class SRGAN(Restorer):
    """Players: enhancer and discriminator. The enhancer's loss is that of a `Restorer` plus gan_weight * the adversarial one.

    Args:
        discriminator: any of `model/discriminator`, with a head that looks at no label.
        loss: adversarial, any of `model/loss`; with `rpgan` and `relativistic_average` D compares an image with its original.
        gan_weight: of the adversarial loss (1e-3 in the paper).

    Raises:
        ConfigError: a weight below 0, a head that looks at labels, or a loss that cannot work with these networks.
    """

    headline = {**Restorer.headline, "loss/discriminator": "D"}  # noqa: RUF012 - as the base class has it

    def __init__(
        self,
        *,
        discriminator: Discriminator,
        discriminator_optimizer: OptimizerFactory,
        head: HeadMaker,
        loss: Loss,
        gan_weight: float,
        **restorer: Any,
    ) -> None:
        if gan_weight < 0:
            raise ConfigError(f"model.gan_weight={gan_weight} must be 0 or more.")
        if head.conditional:
            raise ConfigError("model=srgan tells originals from restored images without labels: set model/head=none.")
        super().__init__(**restorer, others={"discriminator": discriminator_optimizer})
        self.discriminator, self.loss = discriminator, loss
        self.weights["gan"] = gan_weight
        loss.check(
            Recipe(
                generator=self.enhancer, discriminator=self.discriminator, accumulate=self.accumulate, lipschitz=False,
                optimizers=self.factories,
            )
        )  # fmt: skip

    def play(self, bad: Tensor, image: Tensor, label: Tensor) -> None:
        self.discriminator_step(bad, image, label)
        with frozen(self.discriminator):
            self.enhancer_step(bad, image, label)

    def discriminator_step(self, bad: Tensor, image: Tensor, label: Tensor) -> None:
        """Originals against restored images."""
        with torch.no_grad():
            restored = self.enhancer(bad)
        label = label.clamp(min=0)
        for rows in self.parts():
            real, fake = (self.discriminator(each[rows], label[rows]) for each in (image, restored))
            loss = self.loss.discriminator(real, fake).mean()
            self.note({"loss/discriminator": loss, "logits/real": real.mean(), "logits/fake": fake.mean()})
            self.manual_backward(loss / self.accumulate)
        self.step_player("discriminator")

    def enhancer_loss(self, restored: Tensor, image: Tensor, label: Tensor) -> Tensor:
        label = label.clamp(min=0)
        with torch.no_grad():
            real = self.discriminator(image, label)
        adversarial = self.loss.generator(self.discriminator(restored, label), real).mean()
        self.note({"loss/gan": adversarial})
        return super().enhancer_loss(restored, image, label) + self.weights["gan"] * adversarial

    def check_data(self, *, channels: int, image_size: int) -> None:
        super().check_data(channels=channels, image_size=image_size)
        check_discriminator(self.discriminator, channels=channels, image_size=image_size)
