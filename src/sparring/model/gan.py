"""The adversarial step: n discriminator steps, one generator step, one update of the averaged generator."""

from collections.abc import Iterator, Mapping
from typing import ClassVar

import torch
from torch import Tensor, nn

from sparring.core.distributed import mean_over_images
from sparring.core.errors import ConfigError
from sparring.core.modules import frozen
from sparring.core.sharding import gathered
from sparring.core.types import Batch
from sparring.model.augment.base import Augment
from sparring.model.checks import check_labels, check_shapes
from sparring.model.conditioning.base import ConditioningMaker
from sparring.model.discriminator.base import Discriminator
from sparring.model.discriminator_attack.base import DiscriminatorAttack
from sparring.model.ema import EMA
from sparring.model.game import OptimizerFactory
from sparring.model.head.base import HeadMaker
from sparring.model.image_game import ImageGame
from sparring.model.layer.shared_weight import weights_once
from sparring.model.layer.synchronised_norm import synchronise
from sparring.model.loss.base import Loss
from sparring.model.regularizer.base import Regularizer
from sparring.model.regularizer.shared.collection import Regularizers, total
from sparring.model.schedule.base import Schedule
from sparring.model.selection.base import Selection
from sparring.model.step.draws import EVERY, taken
from sparring.model.step.recipe import Recipe, RecipePart
from sparring.model.step.reuse import Reuse
from sparring.model.step.views import DiscriminatorView, GeneratorView, Part
from sparring.model.view_maker import ViewMaker


class GAN(ImageGame):
    """Generator G and discriminator D (Goodfellow et al. 2014, algorithm 1), with the parts that a configuration chooses.

    Images are float32 in [-1, 1], NCHW. A training batch holds, per stream ("discriminator", "generator"), the chunks of
    real images that one iteration needs (`streams` says how many).

    Args:
        generator: (latent (N, latent_dim), label (N,)) -> images (N, C, H, W).
        discriminator: (image (N, C, H, W), label (N,)) -> logits (N,).
        conditioning, head: how the label enters the two networks; both conditional or neither.
        regularizer: penalties and rules on weights, by name.
        augment: random change of all images that D sees. selection: which generated images G learns from.
        discriminator_attack: adversarial change of the real images in D's step.
        ema: average of G's weights, which samples and metrics use. sync_batchnorm: BatchNorm over all devices' images.
        d_steps: discriminator steps per generator step, each on fresh real images.
        reuse_fakes: G learns from the images of the last D step of its iteration, as in DCGAN's script, instead of from new ones:
            one pass of G less.
        accumulate: parts that a chunk is processed in; without BatchNorm the gradients are those of the whole chunk, the
            memory that of a part.
        published_images: iterations times batch of the paper's (or StudioGAN's) training on CIFAR-10, None where there is none.

    Raises:
        ConfigError: a setting out of range, or parts that cannot work together.
    """

    headline: ClassVar = {"loss/discriminator": "D", "loss/generator": "G"}
    sharded: ClassVar = {"generator": "ema"}

    def __init__(
        self,
        *,
        generator: nn.Module,
        discriminator: Discriminator,
        conditioning: ConditioningMaker,
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
        discriminator_attack: DiscriminatorAttack,
        published_images: float | None,
        sync_batchnorm: bool = False,
        reuse_fakes: bool = False,
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
        if sync_batchnorm:
            synchronise(generator, discriminator)
        self.averaged(generator, ema, num_classes=num_classes)
        self.discriminator = discriminator
        self.loss, self.augment, self.selection = loss, augment, selection
        self.discriminator_attack = discriminator_attack
        self.regularizers = Regularizers(regularizer)
        self.conditional = self.uses_labels = check_labels(generator, conditioning, head)
        self.latent_dim, self.d_steps = latent_dim, d_steps
        self.published_images = published_images
        self.reuse = Reuse(d_steps) if reuse_fakes else None
        self._held_out: list[Tensor] = []
        self._together = discriminator.passes_together()
        recipe = Recipe(
            generator=generator,
            discriminator=discriminator,
            accumulate=accumulate,
            lipschitz=any(each.lipschitz for each in regularizer.values()),
            optimizers=self.factories,
        )
        parts: tuple[RecipePart, ...] = (loss, discriminator.head, augment, selection, schedule, *regularizer.values())
        for part in parts:
            part.check(recipe)
        if self.reuse:
            self.reuse.check(pairs=loss.pairs, accumulate=accumulate)

    # -- the algorithm -------------------------------------------------------------------------------------------------

    def training_step(self, batch: Mapping[str, list[Batch]], batch_idx: int) -> None:
        self.begin_iteration(batch["discriminator"][0])
        self.augment.factor = self.schedule.augmentation(self.progress)
        for step, chunk in enumerate(batch["discriminator"]):
            self.discriminator_step(chunk, self.clock.iteration * self.d_steps + step)
        self.generator_step(next(iter(batch["generator"]), None), self.clock.iteration)
        images = self.batch_size * self.d_steps
        self.update_average(images)
        self.clock.advance(images=images)

    def discriminator_step(self, chunk: Batch, number: int) -> None:
        """D step `number` of the run on one chunk of real images; G's forward needs no graph, unless its images are reused."""
        due, strength = self.regularizers.due("discriminator", number), self.schedule.penalty(self.progress)
        for part in self.parts(chunk, "discriminator", number):
            with torch.set_grad_enabled(self.reuse is not None and self.reuse.wants(number)):
                generated = self.generator(part.latent, part.fake_label)
            if self.reuse:
                self.reuse.keep(part, generated, number)
            with self.precisely(due.differentiates_twice):
                view = self.views.discriminator_view(part, generated, gradients_at=due.gradients_at)
                adversarial = self.loss.discriminator(view.real.logits, view.fake.logits).mean()
                self.note({"loss/discriminator": adversarial})
                self.note_logits(view)
                class_terms = self._means(self.discriminator.head.discriminator_terms(view.real, view.fake))
                penalties = self._means(due.discriminator(view), prefix="penalty/")
                loss = total(adversarial, *class_terms.values(), *due.weighted(penalties, strength))
            self.backward_part(loss)
            self.augment.observe(view.real.logits)
        self.step_player("discriminator")
        self.regularizers.after_step("discriminator", self.discriminator, number)
        self.augment.after_step(images=self.batch_size)
        self.note(self.augment.scalars())

    @torch.no_grad()
    def note_logits(self, view: DiscriminatorView) -> None:
        """D's mean logits in its own step."""
        self.note({"logits/real": view.real.logits.mean(), "logits/fake": view.fake.logits.mean()})

    def generator_step(self, chunk: Batch | None, number: int) -> None:
        """G step `number` of the run; `chunk` holds real images, where the loss or a penalty compares."""
        due, strength = self.regularizers.due("generator", number), self.schedule.penalty(self.progress)
        with frozen(self.discriminator):
            for part in self.parts(chunk, "generator", number):
                part, generated = self.reuse.take(part) if self.reuse else (part, None)
                with self.precisely(due.differentiates_twice):
                    compares = self.loss.pairs or due.compares
                    view = self.views.generator_view(part, generated, compares=compares)
                    losses = self.loss.generator(view.fake.logits, view.real.logits if view.real else None)
                    self.note({"loss/generator": losses.mean()})
                    adversarial = self.selection(losses, view.fake.logits, number)
                    other_terms = self._means(self.generator_terms(view))
                    penalties = self._means(due.generator(view), prefix="penalty/g_")
                    loss = total(adversarial, *other_terms.values(), *due.weighted(penalties, strength))
                self.backward_part(loss)
        self.step_player("generator")
        self.regularizers.after_step("generator", self.generator, number)

    def generator_terms(self, view: GeneratorView) -> dict[str, Tensor]:
        """Terms of G's loss, (N,) or 0-d, besides the adversarial one and the penalties, by the name in the logs."""
        return dict(self.discriminator.head.generator_terms(view.fake))

    # -- parts and terms of a step --------------------------------------------------------------------------------------

    @property
    def views(self) -> ViewMaker:
        return ViewMaker(
            self.generator, self.discriminator, self.augment, self.discriminator_attack, self.loss, self.latent_dim,
            self.weight_dtype(), self._together,
        )  # fmt: skip

    def parts(self, chunk: Batch | None, player: str, number: int) -> Iterator[Part]:
        """The parts of a step's batch: real images, latents and labels; see `Draws` for why devices do not change them.

        Weights that are computed, as by spectral normalisation, are so once a part, whatever the number of passes; a power
        iteration comes before, once a step (Miyato et al. 2018, algorithm 1).
        """
        if chunk is not None and self.loss.pairs:
            fake_label = chunk.label
        else:
            random = self.random("label", player, number)
            whole = torch.multinomial(self.class_prior, self.batch_size, replacement=True, generator=random)
            fake_label = self.share(whole)
        for first in range(self.accumulate):
            rows = slice(first, None, self.accumulate) if self.accumulate > 1 else EVERY
            image = label = None
            if chunk is not None:
                image, label = taken(chunk.image, rows).to(self.weight_dtype()), taken(chunk.label, rows)
            draws = self.draws(player, number, rows=rows)
            part = Part(image, label, draws.normal("latent", self.latent_dim), taken(fake_label, rows), draws)
            reused = player == "generator" and self.reuse is not None  # G made its pass in D's step
            graph = player == "generator" or (self.reuse is not None and self.reuse.wants(number))
            with (
                gathered(self.generator),
                weights_once(self.generator, graph=graph, update=first == 0 and not reused),
                weights_once(self.discriminator, update=first == 0),
            ):
                yield part

    def _means(self, terms: Mapping[str, Tensor], *, prefix: str = "") -> dict[str, Tensor]:
        """The mean of each term of a loss, 0-d; also noted, under `prefix` and its name."""
        means = {name: term.mean() for name, term in terms.items()}
        self.note({f"{prefix}{name}": mean for name, mean in means.items()})
        return means

    # -- Lightning -----------------------------------------------------------------------------------------------------

    def check_data(self, *, channels: int, image_size: int) -> None:
        shape = {"channels": channels, "image_size": image_size}
        check_shapes(self.generator, self.discriminator, latent_dim=self.latent_dim, **shape)

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        with self.eager():
            self._held_out.append(self.discriminator(batch.image.to(self.weight_dtype()), batch.label).detach())

    def validation_scalars(self) -> dict[str, float]:
        """D's mean logit on held-out real images: far below `logits/real`, D remembers its training images."""
        if not self._held_out:  # no val split
            return {}
        logits = torch.cat(self._held_out).float().cpu().double()  # MPS has no float64
        self._held_out = []
        return {"val/logits_real": float(mean_over_images(logits.sum()[None], len(logits)))}
