"""Three players: a conditional GAN, and a classifier that learns on real and on freshly generated images."""

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from sparring.core.errors import ConfigError
from sparring.core.measurement import FinalMetrics
from sparring.core.randomness import generator as random_generator
from sparring.core.transfer import sent
from sparring.core.types import Batch, TrainingData
from sparring.model.backbone.base import Backbone
from sparring.model.classifier import (
    HeldOut,
    check_classifier,
    classification_metrics,
    learn,
    prepare_backbone,
    smoothed,
)
from sparring.model.ema import EMA
from sparring.model.game import OptimizerFactory
from sparring.model.gan import GAN
from sparring.model.robust.base import Robust
from sparring.model.robust_validation import RobustHeldOut
from sparring.model.schedule.base import Schedule
from sparring.model.step.draws import Draws
from sparring.model.step.views import GeneratorView
from sparring.model.transform.base import Transform, transformed


class GANClassifier(GAN):
    """A GAN, and after its steps in each iteration a step of the classifier (player `backbone`) on a chunk of its own.

    In the chunk, a share `fraction` of the real images (rounded over the whole batch) is replaced by images that the averaged
    generator draws in this iteration for the same labels: size and labels of the batch stay the same.

    Args:
        backbone, transform, robust, label_smoothing: of the classifier, as of `Classifier`.
        classifier_ema: average of the classifier, which is validated, tested and used.
        classifier_schedule: of its learning rate.
        fraction: share [0, 1] of its batch that is generated.
        start: share [0, 1] of the run's budget before which the classifier sees real images only, while G learns.
        feedback: weight of the averaged classifier's cross-entropy on G's images in G's loss; 0 is off.
        gan: settings of the GAN.

    Raises:
        ConfigError: a setting out of range, or a GAN without labels.
    """

    headline: ClassVar = {**GAN.headline, "loss/classifier": "C"}
    sharded: ClassVar = {}

    def __init__(
        self,
        *,
        backbone: Backbone,
        transform: Mapping[str, Transform],
        robust: Robust,
        classifier_optimizer: OptimizerFactory,
        classifier_schedule: Schedule,
        classifier_ema: EMA,
        label_smoothing: float,
        fraction: float,
        start: float,
        feedback: float,
        **gan: Any,
    ) -> None:
        super().__init__(**gan)
        _check(self, label_smoothing=label_smoothing, fraction=fraction, start=start, feedback=feedback)
        self.factories["backbone"] = classifier_optimizer
        self.streams["classifier"] = 1
        self.backbone = backbone
        self.classifier_averaging, self.backbone_ema = classifier_ema, classifier_ema.copy_of(backbone)
        self.transform, self.robust, self.classifier_schedule = dict(transform), robust, classifier_schedule
        self.label_smoothing, self.fraction, self.start, self.feedback = label_smoothing, fraction, start, feedback
        self._classified, self._attacked = HeldOut(), RobustHeldOut(robust)

    # -- the algorithm -------------------------------------------------------------------------------------------------

    def training_step(self, batch: Mapping[str, list[Batch]], batch_idx: int) -> None:
        iteration, progress = self.clock.iteration, self.progress
        super().training_step(batch, batch_idx)
        (chunk,) = batch["classifier"]
        self.classifier_step(chunk, iteration, self.fraction if progress >= self.start else 0.0)

    def classifier_step(self, chunk: Batch, number: int, fraction: float) -> None:
        """C step `number` of the run, on a chunk of real images of which `fraction` are replaced."""
        draws = self.draws("classifier", number)
        image = self.mixed(chunk.image.to(self.weight_dtype()), chunk.label, draws, fraction)
        image, target = transformed(self.transform, image, chunk.label, self.num_classes, draws.of("augmentation"))
        learn(self, "backbone", self.robust, image, smoothed(target, self.label_smoothing))
        images = self.batch_size
        self.classifier_averaging.update(self.backbone_ema, self.backbone, images=images, images_seen=number * images)

    @torch.no_grad()
    def mixed(self, image: Tensor, label: Tensor, draws: Draws, fraction: float) -> Tensor:
        """Images (N, C, H, W) of which round(fraction * whole batch) over all devices are generated for their label (N,)."""
        order = torch.randperm(self.batch_size, generator=random_generator(self.seed, "replaced", *draws.key))
        rows = (self.share(order) < round(fraction * self.batch_size)).nonzero().flatten()
        if not len(rows):
            return image
        rows = sent(rows, image.device)
        latent = draws.normal("latent", self.latent_dim)
        return image.index_copy(0, rows, self.ema(latent[rows], label[rows]).to(image.dtype))

    def generator_terms(self, view: GeneratorView) -> dict[str, Tensor]:
        terms = super().generator_terms(view)
        if self.feedback:
            consistency = cross_entropy(self.backbone_ema(view.generated), view.fake.label)
            terms = {**terms, "loss/consistency": self.feedback * consistency}
        return terms

    def schedule_of(self, player: str) -> Schedule:
        return self.classifier_schedule if player == "backbone" else super().schedule_of(player)

    # -- for stages and callbacks ----------------------------------------------------------------------------------------

    def classifier(self) -> nn.Module:
        """image -> logits, the network that others use."""
        return self.backbone_ema

    def prepare(self, data: TrainingData) -> None:
        super().prepare(data)
        prepare_backbone(data, self.backbone, self.backbone_ema)
        self._attacked.prepare(data)

    def check_data(self, *, channels: int, image_size: int) -> None:
        super().check_data(channels=channels, image_size=image_size)
        check_classifier(self.backbone_ema, channels=channels, image_size=image_size, num_classes=self.num_classes)

    def networks(self) -> dict[str, nn.Module]:
        return {"backbone_ema": self.backbone_ema, **super().networks()}

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        super().validation_step(batch, batch_idx)
        self._classified.add(self.backbone_ema, batch.image.to(self.weight_dtype()), batch.label)

    def validation_scalars(self) -> dict[str, float]:
        scalars = super().validation_scalars() | self._classified.scalars()
        return scalars | self._attacked.scalars(self, self.backbone_ema)

    def final_metrics(self, data: TrainingData) -> FinalMetrics:
        own = classification_metrics(self, "backbone_ema", data) | self._attacked.final_metrics(self, "backbone_ema")
        return super().final_metrics(data) | own

    def train(self, mode: bool = True) -> "GANClassifier":
        """The averages stay in eval mode."""
        super().train(mode)
        self.backbone_ema.eval()
        return self


def _check(model: GAN, *, label_smoothing: float, fraction: float, start: float, feedback: float) -> None:
    if not model.conditional:
        raise ConfigError(
            "model=gan_classifier needs images with labels, and its generator sees none: set model/conditioning=concat and"
            " model/head=projection, or train the GAN alone and label its images with a pseudo-labeller."
        )
    for key, value in {"label_smoothing": label_smoothing, "fraction": fraction, "start": start}.items():
        if not 0 <= value <= 1:
            raise ConfigError(f"model.{key}={value} must be from 0 to 1.")
    if feedback < 0:
        raise ConfigError(f"model.feedback={feedback} must be 0 or more.")
