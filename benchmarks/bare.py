"""A bare loop over a model's own parts: what an iteration costs without the framework, with every trick that the framework knows.

Real and generated images in one pass of D where that is exact, computed weights once a step, D frozen in G's step, fakes reused
where the preset does so, fused Adam. Random numbers come from the global generator; nothing is logged, noted or checked.
"""

import functools
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from sparring.model.gan import GAN
from sparring.model.layer.shared_weight import weights_once
from sparring.model.regularizer.base import Regularizer
from sparring.model.step.views import DiscriminatorOutput, DiscriminatorView, GeneratorView


class Loose:
    """Random numbers as a plain loop would draw them: from the global generator, for what is there."""

    def __init__(self, rows: int) -> None:
        self.rows = rows

    def normal(self, purpose: str, *shape: int) -> Tensor:
        return torch.randn(self.rows, *shape)

    def uniform(self, purpose: str, *shape: int) -> Tensor:
        return torch.rand(self.rows, *shape)

    def of(self, *more: str) -> "Loose":
        return self


class Bare:
    """A plain loop over a model's networks, optimizers, loss, penalties and augmentation."""

    def __init__(self, model: GAN, images: Tensor, labels: Tensor, *, batch_size: int, flip: bool) -> None:
        self.model, self.images, self.labels, self.batch_size, self.flip = model, images, labels, batch_size, flip
        self.generator, self.discriminator = model.generator.train(), model.discriminator.train()
        self.optimizer_g, self.optimizer_d = model.configure_optimizers()
        self.draws: Any = Loose(batch_size)
        self.augment = functools.partial(model.augment, draws=self.draws)
        self.together = self.discriminator.passes_together()
        self.kept: tuple[Tensor, Tensor, Tensor] | None = None  # latent, label and image of the last D step
        self.done = 0

    def iteration(self) -> None:
        for step in range(self.model.d_steps):
            self.discriminator_step(self.done * self.model.d_steps + step)
        self.generator_step(self.done)
        images = self.batch_size * self.model.d_steps
        self.model.averaging.update(self.model.ema, self.generator, images=images, images_seen=self.done * images)
        self.done += 1

    def discriminator_step(self, number: int) -> None:
        model = self.model
        due = list(self.due(number))
        (real, label), latent, fake_label = self.real(), self.latent(), self.fake_label()
        keeps = model.reuse is not None and model.reuse.wants(number)
        with torch.set_grad_enabled(keeps), weights_once(self.generator, graph=keeps):
            generated = self.generator(latent, fake_label)
        self.kept = (latent, fake_label, generated) if keeps else None
        with weights_once(self.discriminator):
            loss = self.discriminator_loss(due, real, label, generated.detach(), latent, fake_label)
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer_d.step()
        self.optimizer_d.zero_grad()
        for penalty in due:
            penalty.after_step("discriminator", self.discriminator)
        model.augment.after_step(images=self.batch_size)

    def discriminator_loss(
        self, due: list[Regularizer], real: Tensor, label: Tensor, fake: Tensor, latent: Tensor, fake_label: Tensor
    ) -> Tensor:
        model = self.model
        with torch.no_grad():
            real = model.augment.real(real, label, lambda label: self.generator(self.latent(), label), self.draws)
            real, fake = self.augment(real), self.augment(fake)
        wanted = {where for penalty in due for where in penalty.gradients_at}
        images = real.detach().requires_grad_("real" in wanted), fake.detach().requires_grad_("fake" in wanted)
        if self.together and len(wanted) != 1:
            real_output, fake_output = self.discriminator.judge_together(images, (label, fake_label))
        else:
            real_output, fake_output = map(self.output, images, (label, fake_label))
        loss = model.loss.discriminator(real_output.logits, fake_output.logits).mean()
        for term in self.discriminator.head.discriminator_terms(real_output, fake_output).values():
            loss = loss + term.mean()
        view = DiscriminatorView(
            self.discriminator, self.generator, self.augment, fake_output, latent, self.draws, real=real_output
        )  # fmt: skip
        for penalty in due:
            if "discriminator" in penalty.terms:
                loss = loss + penalty.interval * penalty.discriminator(view).mean()
        model.augment.observe(real_output.logits)
        return loss

    def generator_step(self, number: int) -> None:
        due = list(self.due(number))
        self.discriminator.requires_grad_(False)
        with weights_once(self.generator, update=self.kept is None), weights_once(self.discriminator):
            loss = self.generator_loss(due, number)
        loss.backward()  # type: ignore[no-untyped-call]
        self.discriminator.requires_grad_(True)
        self.optimizer_g.step()
        self.optimizer_g.zero_grad()
        for penalty in due:
            penalty.after_step("generator", self.generator)

    def generator_loss(self, due: list[Regularizer], number: int) -> Tensor:
        model, real_output = self.model, None
        latent, label, image = self.kept or (self.latent(), self.fake_label(), None)
        if model.loss.pairs or any(penalty.compares for penalty in due):
            real, real_label = self.real()
            label = real_label if model.loss.pairs else label
            with torch.no_grad():
                real_output = self.output(self.augment(real), real_label)
        image = self.generator(latent, label) if image is None else image
        fake_output = self.output(self.augment(image), label)
        loss = model.selection(
            model.loss.generator(fake_output.logits, real_output.logits if real_output else None),
            fake_output.logits,
            number,
        )
        for term in self.discriminator.head.generator_terms(fake_output).values():
            loss = loss + term.mean()
        view = GeneratorView(
            self.discriminator, self.generator, self.augment, fake_output, latent, self.draws, generated=image, real=real_output
        )  # fmt: skip
        for penalty in due:
            if "generator" in penalty.terms:
                loss = loss + penalty.interval * penalty.generator(view).mean()
        return loss

    def real(self) -> tuple[Tensor, Tensor]:
        rows = torch.randint(len(self.labels), (self.batch_size,))
        image = self.images[rows].float() / 127.5 - 1
        if self.flip:
            image = torch.where(torch.rand(self.batch_size, 1, 1, 1) < 0.5, image.flip(3), image)
        return image, self.labels[rows]

    def latent(self) -> Tensor:
        return torch.randn(self.batch_size, self.model.latent_dim)

    def fake_label(self) -> Tensor:
        return torch.randint(self.model.num_classes, (self.batch_size,))

    def output(self, image: Tensor, label: Tensor) -> DiscriminatorOutput:
        features = self.discriminator.features(image)
        return DiscriminatorOutput(image, label, features, self.discriminator.head(features, label))

    def due(self, number: int) -> Iterator[Regularizer]:
        return (penalty for penalty in self.model.regularizers.values() if number % penalty.interval == 0)
