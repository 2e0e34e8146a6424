"""The adversarial step: n discriminator steps, one generator step, one update of the averaged generator."""

from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from functools import partial
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from sparring.core.distributed import mean_over_images
from sparring.core.errors import ConfigError
from sparring.core.types import Batch
from sparring.model.augment.base import Augment
from sparring.model.checks import check_labels, check_shapes
from sparring.model.conditioning.base import ConditioningMaker
from sparring.model.discriminator.base import Discriminator
from sparring.model.discriminator_attack.base import DiscriminatorAttack
from sparring.model.ema import EMA
from sparring.model.game import Game, OptimizerFactory
from sparring.model.head.base import HeadMaker
from sparring.model.loss.base import Loss
from sparring.model.regularizer.base import Regularizer
from sparring.model.schedule.base import Schedule
from sparring.model.selection.base import Selection
from sparring.model.step.draws import Draws
from sparring.model.step.recipe import Recipe
from sparring.model.step.views import DiscriminatorOutput, DiscriminatorView, GeneratorView, Part, frozen


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
        self.discriminator_attack = discriminator_attack
        self.regularizers: Mapping[str, Regularizer] = nn.ModuleDict(regularizer)  # type: ignore[assignment]
        self.conditional = self.uses_labels = check_labels(generator, conditioning, head)
        self.latent_dim, self.num_classes, self.d_steps = latent_dim, num_classes, d_steps
        self._held_out: list[Tensor] = []
        self.class_prior: Tensor
        self.register_buffer("class_prior", torch.full((num_classes,), 1.0 / num_classes))
        self._check_parts()

    # -- the algorithm -------------------------------------------------------------------------------------------------

    def training_step(self, batch: Mapping[str, list[Batch]], batch_idx: int) -> None:
        self.begin_iteration(batch["discriminator"][0])
        self.augment.factor = self.schedule.augmentation(self.progress)
        for step, chunk in enumerate(batch["discriminator"]):
            self.discriminator_step(chunk, self.clock.iteration * self.d_steps + step)
        self.generator_step(next(iter(batch["generator"]), None), self.clock.iteration)
        images, stretch = self.batch_size * self.d_steps, self.schedule.half_life(self.progress)
        self.averaging.update(
            self.ema, self.generator, images=images, images_seen=self.clock.images_seen, stretch=stretch
        )
        self.clock.advance(images=images)

    def discriminator_step(self, chunk: Batch, number: int) -> None:
        """D step `number` of the run on one chunk of real images; G's forward needs no graph."""
        due = self._due("discriminator", number)
        for part in self._parts(chunk, "discriminator", number):
            with torch.no_grad():
                fake = self.generator(part.latent, part.fake_label)
            with self._exact_gradients(due):
                view = self._discriminator_view(part, fake, due)
                adversarial = self.loss.discriminator(view.real.logits, view.fake.logits).mean()
                self.note({"loss/discriminator": adversarial})
                self.note({"logits/real": view.real.logits.mean(), "logits/fake": view.fake.logits.mean()})
                head_terms = self._sum(self.discriminator.head.discriminator_terms(view.real, view.fake))
                penalties = self._penalties("penalty/", {name: each.discriminator(view) for name, each in due.items()})
            self.manual_backward((adversarial + head_terms + penalties) / self.accumulate)
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
                    view = self._generator_view(part, due)
                    losses = self.loss.generator(view.fake.logits, view.real.logits if view.real else None)
                    self.note({"loss/generator": losses.mean()})
                    adversarial = self.selection(losses, view.fake.logits, number)
                    other_terms = self._sum(self.generator_terms(view))
                    penalties = self._penalties(
                        "penalty/g_", {name: each.generator(view) for name, each in due.items()}
                    )
                self.manual_backward((adversarial + other_terms + penalties) / self.accumulate)
        self.step_player("generator")
        self._after_step("generator", number)

    def generator_terms(self, view: GeneratorView) -> dict[str, Tensor]:
        """Terms of G's loss beside the adversarial one and the penalties, by the name that they are logged under."""
        return dict(self.discriminator.head.generator_terms(view.fake))

    # -- what a step looks at ------------------------------------------------------------------------------------------

    def _parts(self, chunk: Batch | None, player: str, number: int) -> Iterator[Part]:
        """What each part of a step sees; see `Draws` for why it does not depend on the number of devices."""
        if chunk is not None and self.loss.pairs:
            fake_label = chunk.label
        else:
            random = self.random("label", player, number)
            whole = torch.multinomial(self.class_prior, self.batch_size, replacement=True, generator=random)
            fake_label = self.share(whole)
        for first in range(self.accumulate):
            rows = slice(first, None, self.accumulate)
            image, label = (
                (None, None) if chunk is None else (chunk.image[rows].to(self.weight_dtype()), chunk.label[rows])
            )
            draws = self.draws(player, number, rows=rows)
            yield Part(image, label, draws.normal("latent", self.latent_dim), fake_label[rows], draws)

    def _discriminator_view(self, part: Part, fake: Tensor, due: Mapping[str, Regularizer]) -> DiscriminatorView:
        """D's outputs for real and generated images, which require grad where a penalty takes their gradient."""
        assert part.label is not None
        show = partial(self.augment, draws=part.draws.of("fake"))
        with torch.no_grad():
            augmented_fake = show(fake.to(self.weight_dtype()))
            shown_real = self._shown_real(part, augmented_fake)
        gradients_at = {where for regularizer in due.values() for where in regularizer.gradients_at}
        real_output = self._discriminate(shown_real.detach().requires_grad_("real" in gradients_at), part.label)
        fake_output = self._discriminate(
            augmented_fake.detach().requires_grad_("fake" in gradients_at), part.fake_label
        )
        self.augment.observe(real_output.logits)
        return DiscriminatorView(
            self.discriminator, self.generator, show, fake_output, part.latent, part.draws, real=real_output
        )

    def _shown_real(self, part: Part, fake: Tensor) -> Tensor:
        """What D is shown as real: images of the data or, for some augmentations, of G; augmented, then attacked."""
        assert part.image is not None
        assert part.label is not None
        draws = part.draws
        presented = self.augment.real(part.image, part.label, partial(self._generate, draws=draws), draws)
        augmented = self.augment(presented, draws.of("real"))
        return self.discriminator_attack(
            augmented, part.label, fake, part.fake_label, discriminator=self.discriminator, loss=self.loss, draws=draws
        )

    def _generate(self, label: Tensor, draws: Draws) -> Tensor:
        """Generated images for labels (N,), of latents that nothing else in the step uses."""
        return self.generator(draws.normal("forged", self.latent_dim), label).to(self.weight_dtype())

    def _generator_view(self, part: Part, due: Mapping[str, Regularizer]) -> GeneratorView:
        """New images with their graph, D's outputs for them, and for real images where the loss or a penalty compares."""
        image = self.generator(part.latent, part.fake_label)
        show = partial(self.augment, draws=part.draws.of("fake"))
        fake = self._discriminate(show(image), part.fake_label)
        real = None
        if part.image is not None and (self.loss.pairs or any(each.compares for each in due.values())):
            assert part.label is not None
            with torch.no_grad():
                real = self._discriminate(self.augment(part.image, part.draws.of("real")), part.label)
        return GeneratorView(
            self.discriminator, self.generator, show, fake, part.latent, part.draws, plain=image, real=real
        )

    def _discriminate(self, image: Tensor, label: Tensor) -> DiscriminatorOutput:
        return self.discriminator.forward_with_features(image, label)

    # -- regularizers --------------------------------------------------------------------------------------------------

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

    def _check_parts(self) -> None:
        """Ask every part whether it can work with the others. Raises ConfigError: the first that cannot, and why."""
        regularizers = self.regularizers.values()
        recipe = Recipe(
            generator=self.generator,
            discriminator=self.discriminator,
            accumulate=self.accumulate,
            lipschitz=any(regularizer.lipschitz for regularizer in regularizers),
            optimizers=self.factories,
        )
        parts = (self.loss, self.discriminator.head, self.augment, self.selection, self.schedule)
        for check in (*(part.check for part in parts), *(regularizer.check for regularizer in regularizers)):
            check(recipe)

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
