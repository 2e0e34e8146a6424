"""A network that restores degraded images, as a game of one player; its average is validated and used."""

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sparring.core.distributed import drawn_in_training, mean_over_images, places_in_split
from sparring.core.errors import ConfigError
from sparring.core.measurement import FinalMetrics, Measurement
from sparring.core.pixels import normalise
from sparring.core.types import Batch, TrainedNetwork, TrainingData
from sparring.metric.restoration import psnr, ssim
from sparring.model.attacked_classifier import AttackedClassifier
from sparring.model.backbone.base import Backbone
from sparring.model.degradation.base import Degradation
from sparring.model.ema import EMA
from sparring.model.enhancer.base import Enhancer, enlarged
from sparring.model.game import Game, OptimizerFactory
from sparring.model.schedule.base import Schedule

EVAL_BATCH = 256


class Restorer(Game):
    """Images are float32 in [-1, 1], NCHW; those of the data are the originals, and are degraded on the device.

    Loss: pixel_weight * |x' - x| + feature_weight * mean squared difference of a classifier's features + task_weight * the
    classifier's cross-entropy of x'. The classifier is frozen (task-driven restoration: Haris et al. 2021).

    Args:
        enhancer: degraded image (N, C, h, w) -> image (N, C, H, W).
        degradation: image -> degraded image; drawn anew for every image and iteration in training, and from the image's
            place in its split for metrics.
        classifier: run directory of a classifier on the same data; None: the loss is of pixels alone.

    Raises:
        ConfigError: a weight below 0, or one that needs a classifier and none is given.
    """

    headline: ClassVar = {"loss/pixel": "L1", "psnr/train": "PSNR"}

    def __init__(
        self,
        *,
        enhancer: Enhancer,
        degradation: Degradation,
        enhancer_optimizer: OptimizerFactory,
        schedule: Schedule,
        ema: EMA,
        pixel_weight: float,
        feature_weight: float,
        task_weight: float,
        classifier: str | None,
        accumulate: int,
        seed: int,
        others: Mapping[str, OptimizerFactory] | None = None,
    ) -> None:
        weights = {"pixel": pixel_weight, "feature": feature_weight, "task": task_weight}
        for name, value in weights.items():
            if value < 0:
                raise ConfigError(f"model.{name}_weight={value} must be 0 or more.")
        if classifier is None and (feature_weight or task_weight):
            name = "feature" if feature_weight else "task"
            raise ConfigError(
                f"model.{name}_weight needs a classifier: give model.classifier=<run>, or model.{name}_weight=0."
            )
        super().__init__(
            players={"enhancer": enhancer_optimizer, **(others or {})}, streams={"restorer": 1}, schedule=schedule,
            accumulate=accumulate, seed=seed,
        )  # fmt: skip
        self.enhancer, self.degradation, self.weights = enhancer, degradation, weights
        self.averaging, self.ema = ema, ema.copy_of(enhancer)
        self._classifier = None if classifier is None else AttackedClassifier(run=str(classifier), checkpoint="last")
        self._held_out: list[Tensor] = []

    # -- the algorithm -------------------------------------------------------------------------------------------------

    def training_step(self, batch: Mapping[str, list[Batch]], batch_idx: int) -> None:
        (chunk,) = batch["restorer"]
        self.begin_iteration(chunk)
        image, label = chunk.image.to(self.weight_dtype()), chunk.label
        bad = self.degradation(image, seed=self.seed, index=self._index(len(image)))
        self.play(bad, image, label)
        self.averaging.update(self.ema, self.enhancer, images=self.batch_size, images_seen=self.clock.images_seen)
        self.clock.advance(images=self.batch_size)

    def play(self, bad: Tensor, image: Tensor, label: Tensor) -> None:
        """The steps of all players on degraded images, their originals (N, C, H, W) and classes (N,)."""
        self.enhancer_step(bad, image, label)

    def enhancer_step(self, bad: Tensor, image: Tensor, label: Tensor) -> None:
        for rows in self.parts():
            restored = self.enhancer(bad[rows])
            loss = self.enhancer_loss(bad[rows], restored, image[rows], label[rows], rows)
            self.note({"psnr/train": psnr(restored.detach(), image[rows]).mean().float()})
            self.backward_part(loss)
        self.step_player("enhancer")

    def enhancer_loss(self, bad: Tensor, restored: Tensor, image: Tensor, label: Tensor, rows: slice) -> Tensor:
        """The weighted sum of the terms, 0-d, of one part of a batch; rows: which of this device's images it has."""
        pixel = (restored - image).abs().mean()
        self.note({"loss/pixel": pixel})
        total = self.weights["pixel"] * pixel
        if self.weights["feature"]:
            with torch.no_grad():
                wanted = self.features(image)
            feature = F.mse_loss(self.features(restored), wanted)
            self.note({"loss/feature": feature})
            total = total + self.weights["feature"] * feature
        if self.weights["task"]:
            task = F.cross_entropy(self.classify(restored), label)
            self.note({"loss/task": task})
            total = total + self.weights["task"] * task
        return total

    def parts(self) -> list[slice]:
        """Rows of the parts that a batch is processed in."""
        return [slice(first, None, self.accumulate) for first in range(self.accumulate)]

    def _index(self, count: int) -> Tensor:
        """(N,) numbers of this device's images in this iteration, for what is drawn."""
        return drawn_in_training(self, count, self.clock.iteration)

    # -- the classifier ------------------------------------------------------------------------------------------------

    def classifiers(self) -> dict[str, tuple[str, str]]:
        return {} if self._classifier is None else {"model.classifier": (self._classifier.run, "last")}

    def attach(self, setting: str, loaded: TrainedNetwork) -> None:
        assert self._classifier is not None
        self._classifier.attach(loaded)

    @property
    def classify(self) -> nn.Module:
        """image -> logits; frozen, on this module's device."""
        assert self._classifier is not None
        return self._classifier.network.to(self.device)

    def features(self, image: Tensor) -> Tensor:
        """(N, F) the input of the classifier's last layer; the logits of one that has no such place."""
        network = self.classify
        return network.features(image) if isinstance(network, Backbone) else network(image)

    # -- for stages and callbacks ----------------------------------------------------------------------------------------

    def networks(self) -> dict[str, nn.Module]:
        return {"ema": self.ema, **super().networks()}

    def check_data(self, *, channels: int, image_size: int) -> None:
        self.degradation.check(image_size)

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        image = batch.image.to(self.weight_dtype())
        index = places_in_split(self, batch_idx, len(image), batch_size=self.batch_size)
        bad = self.degradation(image, seed=self.seed, index=index)
        self._held_out.append(psnr(self.ema(bad), image).float())

    def validation_scalars(self) -> dict[str, float]:
        if not self._held_out:
            return {}
        values, self._held_out = torch.cat(self._held_out), []
        return {"val/psnr": float(mean_over_images(values.sum()[None], len(values)))}

    def final_metrics(self, data: TrainingData) -> FinalMetrics:
        metrics: dict[str, Measurement] = {}
        for split in ("val", "test"):
            whole = data.whole(split)
            if len(whole.label):
                metrics |= self.split_metrics(split, whole)
        return FinalMetrics(metrics)

    @torch.no_grad()
    def split_metrics(self, split: str, whole: Batch) -> dict[str, Measurement]:
        """PSNR and SSIM of the restored and of the bicubically enlarged images of a split; whole: uint8 images."""
        found: dict[str, list[Tensor]] = {}
        for first, part in zip(range(0, len(whole.label), EVAL_BATCH), whole.image.split(EVAL_BATCH), strict=True):
            image = normalise(part.to(self.device))
            bad = self.degradation(image, seed=self.seed, index=torch.arange(first, first + len(image)))
            restored = self.ema(bad.to(self.weight_dtype())).float()
            for name, made in (("", restored), ("bicubic_", enlarged(bad, self.degradation.factor))):
                found.setdefault(f"{name}psnr", []).append(psnr(made, image))
                found.setdefault(f"{name}ssim", []).append(ssim(made, image))
        protocol: dict[str, Any] = {"split": split, "images": len(whole.label), "network": "ema", "seed": self.seed}
        return {
            f"{split}/{name}": Measurement(value=float(torch.cat(each).mean()), direction="higher", protocol=protocol)
            for name, each in found.items()
        }

    def train(self, mode: bool = True) -> "Restorer":
        """The averaged network stays in eval mode."""
        super().train(mode)
        self.ema.eval()
        return self
