"""A classifier as a game of one player, trained on images or on adversarial ones; its average is validated and used."""

import copy
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn

from sparring.core.distributed import rank_and_world
from sparring.core.errors import ConfigError
from sparring.core.measurement import FinalMetrics, Measurement, share
from sparring.core.pixels import normalise
from sparring.core.sharding import gathered
from sparring.core.types import Batch, TrainingData
from sparring.metric import classification
from sparring.metric.stateful import ClassificationMetrics
from sparring.model.backbone.base import Backbone
from sparring.model.ema import EMA
from sparring.model.game import Game, OptimizerFactory
from sparring.model.given import GivenNetwork
from sparring.model.layer.noise import noise_from
from sparring.model.robust.base import Robust
from sparring.model.robust_validation import RobustHeldOut
from sparring.model.schedule.base import Schedule
from sparring.model.transform.base import Transform, transformed

EVAL_BATCH = 512
PREPARE_IMAGES = 5000  # training images that a backbone may compute something from


class Classifier(Game):
    """Backbone and its average.

    Images are float32 in [-1, 1], NCHW. `network` is trained; `ema` is validated, tested, attacked and used.

    Args:
        backbone: image (N, C, H, W) -> logits (N, num_classes).
        transform: changes of the training images and their targets, in this order, after `data.flip` and `data.crop`.
        robust: the loss of a batch, on the images (`none`) or on adversarial ones.
        ema: average of the backbone's weights.
        label_smoothing: share [0, 1) of the target that is distributed evenly over all classes (Szegedy et al. 2016, section 7).
        class_weights: "balanced" weights each image's target by the inverse frequency of its class in the batches, so that
            every class has the same share in the loss; the smoothing is not weighted. None: all images have the same weight.
        accumulate: parts that a batch is processed in.

    Raises:
        ConfigError: a setting out of range.
    """

    headline: ClassVar = {"loss/classifier": "C"}
    sharded: ClassVar = {"network": "ema"}

    def __init__(
        self,
        *,
        backbone: Backbone,
        optimizer: OptimizerFactory,
        transform: Mapping[str, Transform],
        robust: Robust,
        schedule: Schedule,
        ema: EMA,
        num_classes: int,
        label_smoothing: float,
        class_weights: Literal["balanced"] | None,
        accumulate: int,
        seed: int,
    ) -> None:
        if class_weights not in (None, "balanced"):
            raise ConfigError(f"model.class_weights={class_weights} must be balanced or null.")
        if not 0 <= label_smoothing < 1:
            raise ConfigError(f"model.label_smoothing={label_smoothing} must be from 0 to below 1.")
        super().__init__(
            players={"network": optimizer},
            streams={"classifier": 1},
            schedule=schedule,
            accumulate=accumulate,
            seed=seed,
        )
        self.network = backbone
        self.transform, self.robust = dict(transform), robust
        self.averaging, self.ema = ema, ema.copy_of(backbone)
        self.num_classes, self.label_smoothing = num_classes, label_smoothing
        self.balanced, self.class_weight = class_weights == "balanced", torch.ones(num_classes)
        self._held_out, self._attacked = HeldOut(), RobustHeldOut(robust)

    def training_step(self, batch: Mapping[str, list[Batch]], batch_idx: int) -> None:
        (chunk,) = batch["classifier"]
        self.begin_iteration(chunk)
        draws = self.draws("augmentation", self.clock.iteration)
        whole = chunk.image.to(self.weight_dtype())
        image, target = transformed(self.transform, whole, chunk.label, self.num_classes, draws)
        if self.balanced:
            target = target * self.class_weight.to(target)
        learn(self, "network", self.robust, image, smoothed(target, self.label_smoothing))
        self.averaging.update(self.ema, self.network, images=self.batch_size, images_seen=self.clock.images_seen)
        self.clock.advance(images=self.batch_size)

    def classifier(self) -> nn.Module:
        """image -> logits, the network that others use."""
        return self.ema

    def prepare(self, data: TrainingData) -> None:
        super().prepare(data)
        prepare_backbone(data, self.network, self.ema)
        self._attacked.prepare(data)
        if self.balanced:
            self.class_weight = balancing_weights(data.batch_prior)

    def networks(self) -> dict[str, nn.Module]:
        return {"ema": self.ema, **super().networks()}

    def check_data(self, *, channels: int, image_size: int) -> None:
        check_classifier(self.ema, channels=channels, image_size=image_size, num_classes=self.num_classes)

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        self._held_out.add(self.ema, batch.image.to(self.weight_dtype()), batch.label)

    def validation_scalars(self) -> dict[str, float]:
        return self._held_out.scalars() | self._attacked.scalars(self, self.ema)

    def final_metrics(self, data: TrainingData) -> FinalMetrics:
        return classification_metrics(self, "ema", data) | self._attacked.final_metrics(self, "ema")

    def train(self, mode: bool = True) -> "Classifier":
        """The averaged network stays in eval mode."""
        super().train(mode)
        self.ema.eval()
        return self


def balancing_weights(share: Tensor) -> Tensor:
    """Weights (K,) of the classes from their shares (K,) of the images: 1 / (number of classes with images * share).

    Their mean over the images is 1. A class without images has weight 0.
    """
    present = share > 0
    return torch.where(present, 1 / (present.sum() * share), 0.0)


def learn(game: Game, player: str, robust: Robust, image: Tensor, target: Tensor) -> None:
    """The steps of a player on one batch, `robust.replays` of them, each on `robust.loss` part by part.

    Args:
        image: (N, C, H, W) in [-1, 1]. target: (N, K) class probabilities.
    """
    network = getattr(game, player)
    for replay in range(robust.replays):
        for first in range(game.accumulate):
            rows = slice(first, None, game.accumulate)
            draws = game.draws("robust", game.clock.iteration, rows=rows)
            with (
                gathered(network),
                noise_from(network, game.random("noise", game.clock.iteration, first), *rank_and_world(game)),
            ):
                loss, logits = robust.loss(network, image[rows], target[rows], draws)
                game.manual_backward(loss / game.accumulate)
            game.note({"loss/classifier": loss})
            game.note({"accuracy/train": (logits.argmax(1) == target[rows].argmax(1)).float().mean()})
        game.step_player(player, counted=replay == robust.replays - 1)


def smoothed(target: Tensor, share: float) -> Tensor:
    """Class probabilities (N, K) of which `share` is distributed evenly over all classes."""
    return target * (1 - share) + share / target.shape[1]


class HeldOut:
    """Accuracy and cross-entropy of a network on val, batch by batch."""

    def __init__(self) -> None:
        self._metrics = ClassificationMetrics()

    def add(self, network: nn.Module, image: Tensor, label: Tensor) -> None:
        """image (N, C, H, W) in [-1, 1], label (N,)."""
        self._metrics.update(network(image).float(), label)

    def scalars(self) -> dict[str, float]:
        """Both over the images of all devices, and a fresh start; nothing without a val split."""
        if not self._metrics.update_called:
            return {}
        values = self._metrics.compute()
        self._metrics.reset()
        return {f"val/{name}": value.item() for name, value in values.items()}


def prepare_backbone(data: TrainingData, *networks: Backbone) -> None:
    """Give the same training images to backbones that compute something from them."""
    image = data.train_images(torch.arange(min(PREPARE_IMAGES, len(data.train_labels)))).cpu()
    for network in networks:
        network.prepare(image)


@torch.no_grad()
def logits_of(network: nn.Module, image: Tensor, device: torch.device, dtype: torch.dtype = torch.float32) -> Tensor:
    """Logits (N, K) float32 on the CPU of uint8 images (N, C, H, W); `network` in eval mode."""
    return torch.cat([network(normalise(part.to(device)).to(dtype)).float().cpu() for part in image.split(EVAL_BATCH)])


def classification_metrics(game: Game, network: str, data: TrainingData, **more: Any) -> FinalMetrics:
    """Metrics of the game's classifier on val (what choices are made by) and on test (read once, for the reported number).

    Args:
        network: name of the network that classifies, for the record.
        more: further entries of the section `classification`.
    """
    metrics: dict[str, Measurement] = {}
    details: dict[str, Any] = {"network": network, **more}
    for split in ("val", "test"):
        whole = data.whole(split)
        if len(whole.label):
            logits = logits_of(game.classifier(), whole.image, game.device, game.weight_dtype())  # type: ignore[operator]
            report = classification.report(logits, whole.label)
            protocol = {"split": split, "images": report["images"], "network": network}
            for name, direction in classification.DIRECTIONS.items():
                value = report.pop(name)
                metrics[f"{split}/{name}"] = Measurement(value=value, direction=direction, protocol=protocol)
                if name == "accuracy":
                    metrics[f"{split}/{name}"] = share(value, images=report["images"], protocol=protocol)
            details[split] = report
    return FinalMetrics(metrics, {"classification": details})


def check_classifier(network: nn.Module, *, channels: int, image_size: int, num_classes: int) -> None:
    """One dry run on a copy on the meta device.

    Raises:
        ConfigError: the network cannot take such images, or returns other than (N, num_classes) logits.
    """
    if isinstance(network, GivenNetwork):
        return
    dry = copy.deepcopy(network).to("meta").eval()
    shape = (2, channels, image_size, image_size)
    try:
        logits = dry(torch.empty(shape, device="meta"))
    except RuntimeError as error:
        raise ConfigError(f"model.backbone cannot take images of shape {shape[1:]}: {error}.") from None
    if tuple(logits.shape) != (2, num_classes):
        raise ConfigError(f"model.backbone must return logits of shape (2, {num_classes}), got {tuple(logits.shape)}.")
