"""The discriminator as classifier: a GAN that learns from few labels and many unlabelled images (Salimans et al. 2016)."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import ClassVar

import torch
from torch import Tensor, nn

from sparring.core.distributed import gather, rank_and_world
from sparring.core.errors import ConfigError
from sparring.core.measurement import FinalMetrics
from sparring.core.modules import frozen
from sparring.core.types import Batch, TrainingData
from sparring.model.backbone.base import Backbone
from sparring.model.checks import check_generator
from sparring.model.classifier import HeldOut, check_classifier, classification_metrics, prepare_backbone
from sparring.model.conditioning.base import ConditioningMaker
from sparring.model.ema import EMA
from sparring.model.game import Game, OptimizerFactory
from sparring.model.layer.noise import noise_from
from sparring.model.schedule.base import Schedule
from sparring.model.step import k_plus_one


class SemiSupervisedGAN(Game):
    """A classifier as discriminator with K + 1 classes, an unconditional generator, and the averages of both.

    Images are float32 in [-1, 1], NCHW. Each iteration takes a chunk of the stream "labelled" (smaller than the batch where there
    are fewer labels) and one of "unlabelled", which both players see. The clock counts `data.batch_size` images per
    iteration, with or without unlabelled images, so that equal clocks are equal numbers of steps.

    Args:
        backbone: the discriminator: image (N, C, H, W) -> logits (N, K) of the real classes.
        supervised_only: the same discriminator, noise, optimizer, schedule and average on the labelled images alone, without
            generator and unlabelled images: the baseline to compare with.
        unlabelled_weight: factor on L_unl = E_u[-log P(real)] / 2 + E_g[-log P(generated)] / 2.
        entropy, pull_away: weights of Dai et al.'s (2017) terms in the discriminator's and generator's loss; 0 is off. Their
            third term needs a density model of the images and is not implemented.
        discriminator_ema: average of the discriminator, which is validated, tested and used. ema: of the generator.

    Raises:
        ConfigError: a weight below 0, a conditional generator, or a batch in parts.
    """

    headline: ClassVar = {"loss/labelled": "labelled", "loss/unlabelled": "unlabelled", "loss/generator": "G"}

    def __init__(
        self,
        *,
        generator: nn.Module,
        backbone: Backbone,
        conditioning: ConditioningMaker,
        schedule: Schedule,
        ema: EMA,
        discriminator_ema: EMA,
        generator_optimizer: OptimizerFactory,
        discriminator_optimizer: OptimizerFactory,
        latent_dim: int,
        num_classes: int,
        supervised_only: bool,
        unlabelled_weight: float,
        entropy: float,
        pull_away: float,
        accumulate: int,
        seed: int,
    ) -> None:
        _check(conditioning, accumulate, unlabelled_weight, entropy, pull_away)
        players = {"discriminator": discriminator_optimizer}
        super().__init__(
            players=players if supervised_only else players | {"generator": generator_optimizer},
            streams={"unlabelled": 0 if supervised_only else 1, "labelled": 1},
            schedule=schedule,
            accumulate=accumulate,
            seed=seed,
        )
        self.discriminator = backbone
        self.discriminator_averaging, self.discriminator_ema = discriminator_ema, discriminator_ema.copy_of(backbone)
        self.draws_images = not supervised_only
        if self.draws_images:
            self.generator = generator
            self.averaging, self.ema = ema, ema.copy_of(generator)
        self.conditional, self.latent_dim, self.num_classes = False, latent_dim, num_classes
        self.unlabelled_weight, self.entropy, self.pull_away = unlabelled_weight, entropy, pull_away
        self._held_out = HeldOut()

    # -- the algorithm -------------------------------------------------------------------------------------------------

    def training_step(self, batch: Mapping[str, list[Batch]], batch_idx: int) -> None:
        (labelled,) = batch["labelled"]
        self.begin_iteration(labelled)
        if self.draws_images:
            (unlabelled,) = batch["unlabelled"]
            image = unlabelled.image.to(self.weight_dtype())
            self.discriminator_step(labelled, image)
            self.generator_step(image)
            self._average(self.averaging, self.ema, self.generator)
        else:
            self.discriminator_step(labelled, None)
        self._average(self.discriminator_averaging, self.discriminator_ema, self.discriminator)
        self.clock.advance(images=self.batch_size)

    def discriminator_step(self, labelled: Batch, unlabelled: Tensor | None) -> None:
        with self._noise("labelled"):
            logits = self.discriminator(labelled.image.to(self.weight_dtype()))
        loss = k_plus_one.labelled(logits, labelled.label).mean()
        self.note({"loss/labelled": loss, "accuracy/train": (logits.argmax(1) == labelled.label).float().mean()})
        if unlabelled is not None:
            with torch.no_grad():
                fake = self._draw("discriminator", len(unlabelled))
            with self._noise("unlabelled"):
                real_logits = self.discriminator(unlabelled)
            with self._noise("generated"):
                fake_logits = self.discriminator(fake)
            unsupervised = (k_plus_one.real(real_logits).mean() + k_plus_one.fake(fake_logits).mean()) / 2
            loss = loss + self.unlabelled_weight * unsupervised
            self.note({"loss/unlabelled": unsupervised})
            if self.entropy:
                entropy = k_plus_one.entropy(real_logits).mean()
                loss = loss + self.entropy * entropy
                self.note({"loss/entropy": entropy})
        self.manual_backward(loss)
        self.step_player("discriminator")

    def generator_step(self, unlabelled: Tensor) -> None:
        """Feature matching: the means are over the images of all devices."""
        with frozen(self.discriminator):
            fake = self._draw("generator", len(unlabelled))
            with torch.no_grad(), self._noise("matching", "unlabelled"):
                real_features = gather(self.discriminator.features(unlabelled))
            with self._noise("matching", "generated"):
                fake_features = gather(self.discriminator.features(fake))
            loss = k_plus_one.feature_matching(real_features, fake_features)
            self.note({"loss/generator": loss})
            if self.pull_away:
                penalty = k_plus_one.pull_away(fake_features)
                loss = loss + self.pull_away * penalty
                self.note({"loss/pull_away": penalty})
            self.manual_backward(loss)
        self.step_player("generator")

    def _draw(self, player: str, count: int) -> Tensor:
        """(count, C, H, W): generated images for this device's rows of the batch."""
        draws = self.random("latent", player, self.clock.iteration)
        shape = (count * rank_and_world(self)[1], self.latent_dim)
        latent = self.share(torch.randn(shape, device=self.device, dtype=self.weight_dtype(), generator=draws))
        return self.generator(latent, torch.zeros(count, dtype=torch.int64, device=self.device))

    @contextmanager
    def _noise(self, *purpose: str) -> Iterator[None]:
        draws = self.random("noise", *purpose, self.clock.iteration)
        with noise_from(self.discriminator, draws, *rank_and_world(self)):
            yield

    def _average(self, averaging: EMA, average: nn.Module, network: nn.Module) -> None:
        stretch = self.schedule.half_life(self.progress)
        images_seen = self.clock.images_seen
        averaging.update(average, network, images=self.batch_size, images_seen=images_seen, stretch=stretch)

    # -- for stages and callbacks ----------------------------------------------------------------------------------------

    def classifier(self) -> nn.Module:
        """image -> logits, the network that others use."""
        return self.discriminator_ema

    def prepare(self, data: TrainingData) -> None:
        super().prepare(data)
        prepare_backbone(data, self.discriminator, self.discriminator_ema)

    def check_data(self, *, channels: int, image_size: int) -> None:
        check_classifier(self.discriminator_ema, channels=channels, image_size=image_size, num_classes=self.num_classes)
        if self.draws_images:
            check_generator(self.ema, latent_dim=self.latent_dim, channels=channels, image_size=image_size)

    def networks(self) -> dict[str, nn.Module]:
        averages: dict[str, nn.Module] = {"discriminator_ema": self.discriminator_ema}
        if self.draws_images:
            averages["ema"] = self.ema
        return averages | super().networks()

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        self._held_out.add(self.discriminator_ema, batch.image.to(self.weight_dtype()), batch.label)

    def validation_scalars(self) -> dict[str, float]:
        return self._held_out.scalars()

    def final_metrics(self, data: TrainingData) -> FinalMetrics:
        return classification_metrics(self, "discriminator_ema", data, supervised_only=not self.draws_images)

    def train(self, mode: bool = True) -> "SemiSupervisedGAN":
        """The averages stay in eval mode."""
        super().train(mode)
        self.discriminator_ema.eval()
        if self.draws_images:
            self.ema.eval()
        return self


def _check(
    conditioning: ConditioningMaker, accumulate: int, unlabelled_weight: float, entropy: float, pull_away: float
) -> None:
    if conditioning.conditional:
        raise ConfigError(
            "model=ssgan has no labels to give its generator, which is unconditional: set model/conditioning=none."
        )
    if accumulate != 1:
        raise ConfigError(
            f"model.accumulate={accumulate}: feature matching compares means over the whole batch; set model.accumulate=1."
        )
    weights = {"unlabelled_weight": unlabelled_weight, "entropy": entropy, "pull_away": pull_away}
    for key, weight in weights.items():
        if weight < 0:
            raise ConfigError(f"model.{key}={weight} must be 0 or more.")
