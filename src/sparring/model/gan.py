"""The adversarial step: n discriminator steps, one generator step, one update of the averaged generator."""

from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from functools import partial
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from sparring.errors import ConfigError
from sparring.model.augment.base import Augment
from sparring.model.code.base import CodeMaker
from sparring.model.discriminator.base import Discriminator
from sparring.model.ema import EMA
from sparring.model.game import Game, OptimizerFactory, mean_over_images
from sparring.model.head.base import HeadMaker
from sparring.model.loss.base import Loss
from sparring.model.part import DiscriminatorView, Draws, GeneratorView, Judged, Part, frozen
from sparring.model.regularizer.base import Regularizer
from sparring.model.schedule.base import Schedule
from sparring.model.selection.base import Selection
from sparring.model.shapes import check_labels, check_parts, check_shapes
from sparring.model.threat.base import Threat
from sparring.model.threat.none import Harmless
from sparring.types import Batch


class GAN(Game):
    """Generator and discriminator.

    Images are float32 in [-1, 1], NCHW. A training batch holds, per stream ("discriminator", "generator"), the chunks of
    real images that one iteration needs (`streams` says how many).

    d_steps: discriminator steps per generator step, each on fresh real images.
    accumulate: parts that a chunk is processed in; without BatchNorm the gradients are the whole chunk's, the memory a part's.
    """

    draws_images = True
    headline: ClassVar = {"loss/discriminator": "D", "loss/generator": "G"}

    def __init__(
        self,
        *,
        generator: nn.Module,
        discriminator: Discriminator,
        code: CodeMaker,
        head: HeadMaker,
        loss: Loss,
        regularizer: Mapping[str, Regularizer],
        augment: Augment,
        selection: Selection,
        schedule: Schedule,
        ema: EMA,
        generator_optimizer: OptimizerFactory,
        discriminator_optimizer: OptimizerFactory,
        latent_dim: int,
        num_classes: int,
        d_steps: int,
        accumulate: int,
        seed: int,
        threat: Threat | None = None,
    ) -> None:
        if d_steps < 1:
            raise ConfigError(f"model.d_steps={d_steps} must be at least 1.")
        compares = loss.pairs or any(each.compares for each in regularizer.values())
        super().__init__(
            players={"generator": generator_optimizer, "discriminator": discriminator_optimizer},
            streams={"discriminator": d_steps, "generator": int(compares)},
            schedule=schedule,
            accumulate=accumulate,
            seed=seed,
        )
        self.generator, self.discriminator = generator, discriminator
        self.averaging, self.ema = ema, ema.copy_of(generator)
        self.loss, self.augment, self.selection = loss, augment, selection
        self.threat = threat or Harmless()  # a run directory from before there were threats names none
        self.regularizers: Mapping[str, Regularizer] = nn.ModuleDict(regularizer)  # type: ignore[assignment]
        self.conditional = self.uses_labels = check_labels(generator, code, head)
        self.latent_dim, self.num_classes, self.d_steps = latent_dim, num_classes, d_steps
        self._held_out: list[Tensor] = []
        self.class_prior: Tensor
        self.register_buffer("class_prior", torch.full((num_classes,), 1.0 / num_classes))
        check_parts(self)

    # -- the algorithm -------------------------------------------------------------------------------------------------

    def training_step(self, batch: Mapping[str, list[Batch]], batch_idx: int) -> None:
        self.begin_iteration(batch["discriminator"][0])
        self.augment.factor = self.schedule.augmentation(self.progress)
        for step, chunk in enumerate(batch["discriminator"]):
            self.discriminator_step(chunk, self.clock.iteration * self.d_steps + step)
        pairs = batch["generator"]
        self.generator_step(pairs[0] if pairs else None, self.clock.iteration)
        images, seen = self.batch_size * self.d_steps, self.clock.images_seen
        stretch = self.schedule.half_life(self.progress)
        self.averaging.update(self.ema, self.generator, images=images, images_seen=seen, stretch=stretch)
        self.clock.advance(images=images)

    def discriminator_step(self, chunk: Batch, number: int) -> None:
        """D step `number` of the run on one chunk of real images; G's forward needs no graph."""
        due = self._due("discriminator", number)
        for part in self._parts(chunk, "discriminator", number):
            with torch.no_grad():
                fake = self.generator(part.latent, part.fake_label)
            with self._exact_gradients(due):
                view = self._shown(part, fake, due)
                loss = self.loss.discriminator(view.real.logits, view.fake.logits).mean()
                self.note({"loss/discriminator": loss, "logits/real": view.real.logits.mean()})
                self.note({"logits/fake": view.fake.logits.mean()})
                loss = loss + self._sum(self.discriminator.head.discriminator_terms(view.real, view.fake))
                values = {name: each.discriminator(view) for name, each in due.items()}
                loss = loss + self._penalties("penalty/", values)
            self.manual_backward(loss / self.accumulate)
        self.step_player("discriminator")
        self._after_step("discriminator", number)
        self.augment.after_step(images=self.batch_size)
        self.note(self.augment.scalars())

    def generator_step(self, chunk: Batch | None, number: int) -> None:
        """G step `number` of the run; `chunk` holds real images, where the loss or a penalty compares."""
        due = self._due("generator", number)
        with frozen(self.discriminator):
            for part in self._parts(chunk, "generator", number):
                with self._exact_gradients(due):
                    view = self._drawn(part, due)
                    losses = self.loss.generator(view.fake.logits, view.real.logits if view.real else None)
                    self.note({"loss/generator": losses.mean()})
                    loss = self.selection(losses, view.fake.logits, number) + self._sum(self.generator_terms(view))
                    values = {name: each.generator(view) for name, each in due.items()}
                    loss = loss + self._penalties("penalty/g_", values)
                self.manual_backward(loss / self.accumulate)
        self.step_player("generator")
        self._after_step("generator", number)

    def generator_terms(self, view: GeneratorView) -> dict[str, Tensor]:
        """Terms of G's loss beside the adversarial one and the penalties, by the name that they are logged under."""
        return dict(self.discriminator.head.generator_terms(view.fake))

    # -- the parts of a step -------------------------------------------------------------------------------------------

    def _parts(self, chunk: Batch | None, player: str, number: int) -> Iterator[Part]:
        """What each part of a step sees; see `Draws` for why it does not depend on the number of devices."""
        if chunk is not None and self.loss.pairs:
            fake_label = chunk.label
        else:
            draws = self.random("label", player, number)
            drawn = torch.multinomial(self.class_prior, self.batch_size, replacement=True, generator=draws)
            fake_label = self.share(drawn)
        for first in range(self.accumulate):
            rows = slice(first, None, self.accumulate)
            image, label = (
                (None, None) if chunk is None else (chunk.image[rows].to(self.weight_dtype()), chunk.label[rows])
            )
            own = Draws(self, rows, (player, number))
            yield Part(image, label, own.normal("latent", self.latent_dim), fake_label[rows], own)

    def _shown(self, part: Part, fake: Tensor, due: Mapping[str, Regularizer]) -> DiscriminatorView:
        """D's judgement of real and generated images, which require grad where a penalty takes their gradient."""
        assert part.image is not None
        assert part.label is not None
        draws, fake = part.draws, fake.to(part.image.dtype)
        show = partial(self.augment, draws=draws.of("fake"))
        wanted = {where for regularizer in due.values() for where in regularizer.gradients_at}
        with torch.no_grad():
            real = self.augment.real(part.image, part.label, partial(self._forged, draws=draws), draws)
            real, fake = self.augment(real, draws.of("real")), show(fake)
            real = self.threat(self, real, part.label, fake, part.fake_label, draws)
        real_seen = self._judge(real.detach().requires_grad_("real" in wanted), part.label)
        fake_seen = self._judge(fake.detach().requires_grad_("fake" in wanted), part.fake_label)
        self.augment.observe(real_seen.logits)
        return DiscriminatorView(
            self.discriminator, self.generator, show, fake_seen, part.latent, draws, real=real_seen
        )

    def _forged(self, label: Tensor, draws: Draws) -> Tensor:
        """Generated images for labels (N,), of latents that nothing else in the step uses."""
        return self.generator(draws.normal("forged", self.latent_dim), label).to(self.weight_dtype())

    def _drawn(self, part: Part, due: Mapping[str, Regularizer]) -> GeneratorView:
        """New images with their graph, D's judgement of them, and of real images where the loss or a penalty compares."""
        image = self.generator(part.latent, part.fake_label)
        show = partial(self.augment, draws=part.draws.of("fake"))
        fake = self._judge(show(image), part.fake_label)
        real = None
        if part.image is not None and (self.loss.pairs or any(each.compares for each in due.values())):
            assert part.label is not None
            with torch.no_grad():
                real = self._judge(self.augment(part.image, part.draws.of("real")), part.label)
        return GeneratorView(
            self.discriminator, self.generator, show, fake, part.latent, part.draws, plain=image, real=real
        )

    def _judge(self, image: Tensor, label: Tensor) -> Judged:
        return Judged(image, label, *self.discriminator.judge(image, label))

    def _due(self, player: str, number: int) -> dict[str, Regularizer]:
        """The regularizers that add a term to the player's loss in its step `number`."""
        return {name: each for name, each in self._regularizers(number) if player in each.terms}

    def _after_step(self, player: str, number: int) -> None:
        for _, regularizer in self._regularizers(number):
            regularizer.after_step(player, getattr(self, player))

    def _regularizers(self, number: int) -> Iterator[tuple[str, Regularizer]]:
        for name, regularizer in self.regularizers.items():
            if number % regularizer.interval == 0:
                yield name, regularizer

    def _sum(self, terms: Mapping[str, Tensor]) -> Tensor | float:
        """Sum of the terms' means, which are noted."""
        means = {name: term.mean() for name, term in terms.items()}
        self.note(means)
        return sum(means.values())

    def _penalties(self, prefix: str, values: Mapping[str, Tensor]) -> Tensor | float:
        """Sum of the penalties' means, each weighted by its interval so that its mean strength stays."""
        means = {name: value.mean() for name, value in values.items()}
        self.note({f"{prefix}{name}": mean for name, mean in means.items()})
        strength = self.schedule.penalty(self.progress)
        return sum(strength * self.regularizers[name].interval * mean for name, mean in means.items())

    def _exact_gradients(self, due: Mapping[str, Regularizer]) -> Any:
        """Full precision where a penalty differentiates twice; the trainer's precision elsewhere."""
        needed = any(regularizer.differentiates_twice for regularizer in due.values())
        return torch.autocast(self.device.type, enabled=False) if needed else nullcontext()

    # -- Lightning -----------------------------------------------------------------------------------------------------

    def check_data(self, *, channels: int, image_size: int) -> None:
        shape = {"channels": channels, "image_size": image_size}
        check_shapes(self.generator, self.discriminator, latent_dim=self.latent_dim, **shape)

    def prepare(self, data: Any) -> None:
        self.class_prior.copy_(data.class_prior)

    def networks(self) -> dict[str, nn.Module]:
        return {"ema": self.ema, **super().networks()}

    def extra_tensors(self) -> dict[str, Tensor]:
        return {"class_prior": self.class_prior}

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        self._held_out.append(self.discriminator(batch.image.to(self.weight_dtype()), batch.label).detach())

    def validation_scalars(self) -> dict[str, float]:
        """D's mean logit on held-out real images: far below `logits/real`, D remembers its training images."""
        if not self._held_out:  # no val split
            return {}
        logits = torch.cat(self._held_out).float().cpu().double()  # MPS has no float64
        self._held_out = []
        return {"val/logits_real": float(mean_over_images(logits.sum()[None], len(logits)))}

    def train(self, mode: bool = True) -> "GAN":
        """The averaged generator stays in eval mode."""
        super().train(mode)
        self.ema.eval()
        return self
