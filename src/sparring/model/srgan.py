"""SRGAN (Ledig et al. 2017): a restorer whose images a discriminator shall not tell from originals."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from sparring.core.errors import ConfigError
from sparring.core.modules import frozen
from sparring.model.checks import check_discriminator
from sparring.model.discriminator.base import Discriminator
from sparring.model.game import OptimizerFactory
from sparring.model.head.base import HeadMaker
from sparring.model.layer.shared_weight import weights_once
from sparring.model.loss.base import Loss
from sparring.model.regularizer.base import Regularizer
from sparring.model.regularizer.shared.collection import Regularizers, total
from sparring.model.restorer import Restorer
from sparring.model.step.recipe import Recipe, RecipePart, leaf_name
from sparring.model.step.views import DiscriminatorView, GeneratorView


class SRGAN(Restorer):
    """Players: enhancer and discriminator. The enhancer's loss is that of a `Restorer` plus gan_weight * the adversarial one.

    Args:
        discriminator: any of `model/discriminator`, with a head that looks at no label.
        loss: adversarial, any of `model/loss`; with `rpgan` and `relativistic_average` D compares an image with its original.
        regularizer: penalties and rules on weights, by name; those that need latents have nothing to work on here. What they
            call the generator is the enhancer, and what it draws from the degraded image.
        gan_weight: of the adversarial loss (1e-3 in the paper), and of the enhancer's own penalties.

    Raises:
        ConfigError: a weight below 0, a head that looks at labels, or a loss or regularizer that cannot work with these networks.
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
        regularizer: Mapping[str, Regularizer] | None = None,
        **restorer: Any,
    ) -> None:
        if gan_weight < 0:
            raise ConfigError(f"model.gan_weight={gan_weight} must be 0 or more.")
        if head.conditional:
            raise ConfigError("model=srgan tells originals from restored images without labels: set model/head=none.")
        chosen = dict(regularizer or {})
        for each in chosen.values():
            if each.latents:
                raise ConfigError(
                    f"model.regularizer={leaf_name(each)} changes latents, and model=srgan has none; set model/regularizer=[] or "
                    "another one, such as r1."
                )
        super().__init__(**restorer, others={"discriminator": discriminator_optimizer})
        self.discriminator, self.loss, self.regularizers = discriminator, loss, Regularizers(chosen)
        self.weights["gan"] = gan_weight
        recipe = Recipe(
            generator=self.enhancer, discriminator=self.discriminator, accumulate=self.accumulate,
            lipschitz=any(each.lipschitz for each in chosen.values()), optimizers=self.factories,
        )  # fmt: skip
        parts: tuple[RecipePart, ...] = (loss, discriminator.head, *chosen.values())
        for part in parts:
            part.check(recipe)

    def play(self, bad: Tensor, image: Tensor, label: Tensor) -> None:
        self.discriminator_step(bad, image, label.clamp(min=0))
        with frozen(self.discriminator):
            self.enhancer_step(bad, image, label)
        self.regularizers.after_step("generator", self.enhancer, self.clock.iteration)

    def discriminator_step(self, bad: Tensor, image: Tensor, label: Tensor) -> None:
        """Originals against restored images."""
        number, strength = self.clock.iteration, self.schedule.penalty(self.progress)
        due = self.regularizers.due("discriminator", number)
        with torch.no_grad():
            restored = self.enhancer(bad)
        for first, rows in enumerate(self.parts()):
            asked = (("real", image), ("fake", restored))
            seen = [each[rows].detach().clone().requires_grad_(side in due.gradients_at) for side, each in asked]
            with weights_once(self.discriminator, update=first == 0), self.precisely(due.differentiates_twice):
                real, fake = (self.discriminator.forward_with_features(each, label[rows]) for each in seen)
                draws = self.draws("discriminator", number, rows=rows)
                view = DiscriminatorView(self.discriminator, self.enhancer, _same, fake, bad[rows], draws, real=real)
                adversarial = self.loss.discriminator(real.logits, fake.logits).mean()
                penalties = {name: each.mean() for name, each in due.discriminator(view).items()}
                loss = total(adversarial, *due.weighted(penalties, strength))
            self.note({f"penalty/{name}": each for name, each in penalties.items()})
            self.note(
                {
                    "loss/discriminator": adversarial,
                    "logits/real": real.logits.mean(),
                    "logits/fake": fake.logits.mean(),
                }
            )
            self.backward_part(loss)
        self.step_player("discriminator")
        self.regularizers.after_step("discriminator", self.discriminator, number)

    def enhancer_loss(self, bad: Tensor, restored: Tensor, image: Tensor, label: Tensor, rows: slice) -> Tensor:
        due, seen_label = self.regularizers.due("generator", self.clock.iteration), label.clamp(min=0)
        with weights_once(self.discriminator, update=False), self.precisely(due.differentiates_twice):
            with torch.no_grad():
                real = self.discriminator.forward_with_features(image, seen_label)
            fake = self.discriminator.forward_with_features(restored, seen_label)
            draws = self.draws("generator", self.clock.iteration, rows=rows)
            view = GeneratorView(
                self.discriminator, self.enhancer, _same, fake, bad, draws, generated=restored, real=real
            )
            adversarial = self.loss.generator(fake.logits, real.logits).mean()
            penalties = {name: each.mean() for name, each in due.generator(view).items()}
            own = total(adversarial, *due.weighted(penalties, self.schedule.penalty(self.progress)))
        self.note({"loss/gan": adversarial, **{f"penalty/g_{name}": each for name, each in penalties.items()}})
        return super().enhancer_loss(bad, restored, image, label, rows) + self.weights["gan"] * own

    def check_data(self, *, channels: int, image_size: int) -> None:
        super().check_data(channels=channels, image_size=image_size)
        check_discriminator(self.discriminator, channels=channels, image_size=image_size)


def _same(image: Tensor) -> Tensor:
    """In place of an augmentation of what D sees."""
    return image
