"""A classifier as a game of one player: cross-entropy on images or on the worst ones near them, judged by its average."""

import copy
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from sparring.core.distributed import mean_over_images, rank_and_world
from sparring.core.errors import ConfigError
from sparring.core.measurement import FinalMetrics, Measurement
from sparring.core.pixels import normalise
from sparring.core.types import Batch
from sparring.metric import classification
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

    transform: changes of the training images and their targets, in this order; `data.flip` and `data.crop` come before.
    robust: what it learns from a batch: the images (`none`), or adversarial ones.
    label_smoothing: share of the target that is spread over all classes (Szegedy et al. 2016, section 7).
    class_weights: "balanced" weights each image's target by the inverse frequency of its class in the batches, so that every
        class has the same part in the loss; the smoothing is not weighted. None: all images count alike.
    """

    headline: ClassVar = {"loss/classifier": "C"}

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

    def prepare(self, data: Any) -> None:
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

    def final_metrics(self, data: Any) -> FinalMetrics:
        return classification_metrics(self, "ema", data) | self._attacked.final_metrics(self, "ema")

    def train(self, mode: bool = True) -> "Classifier":
        """The averaged network stays in eval mode."""
        super().train(mode)
        self.ema.eval()
        return self


def balancing_weights(share: Tensor) -> Tensor:
    """(K,) weight of each class from its share (K,) of the images, 1 / (classes there are * share): 1 on average over images.

    A class without images has weight 0.
    """
    there = share > 0
    return torch.where(there, 1 / (there.sum() * share), 0.0)


def learn(game: Game, player: str, robust: Robust, image: Tensor, target: Tensor) -> None:
    """The player's steps on a batch of images (N, C, H, W) and class probabilities (N, K): `robust.loss`, part by part."""
    network = getattr(game, player)
    for replay in range(robust.replays):
        for first in range(game.accumulate):
            rows = slice(first, None, game.accumulate)
            draws = game.draws("robust", game.clock.iteration, rows=rows)
            with noise_from(network, game.random("noise", game.clock.iteration, first), *rank_and_world(game)):
                loss, logits = robust.loss(network, image[rows], target[rows], draws)
            game.note({"loss/classifier": loss})
            game.note({"accuracy/train": (logits.argmax(1) == target[rows].argmax(1)).float().mean()})
            game.manual_backward(loss / game.accumulate)
        game.step_player(player, counted=replay == robust.replays - 1)


def smoothed(target: Tensor, share: float) -> Tensor:
    """`share` of the class probabilities (N, K) spread over all classes."""
    return target * (1 - share) + share / target.shape[1]


class HeldOut:
    """What a pass over val found, part by part."""

    def __init__(self) -> None:
        self._parts: list[tuple[Tensor, Tensor]] = []

    def add(self, network: nn.Module, image: Tensor, label: Tensor) -> None:
        """image (N, C, H, W) in [-1, 1], label (N,)."""
        self._parts.append((network(image).float(), label))

    def scalars(self) -> dict[str, float]:
        """Accuracy and cross-entropy over all devices, and a fresh start; nothing without a val split."""
        if not self._parts:
            return {}
        logits, label = (torch.cat(parts) for parts in zip(*self._parts, strict=True))
        self._parts = []
        right = (logits.argmax(1) == label).sum()
        total = torch.stack([right.float(), cross_entropy(logits, label, reduction="sum")])
        right_share, loss = mean_over_images(total, len(label)).tolist()
        return {"val/accuracy": right_share, "val/cross_entropy": loss}


def prepare_backbone(data: Any, *networks: Any) -> None:
    """Show the same training images to backbones that compute something from them."""
    image = data.train_images(torch.arange(min(PREPARE_IMAGES, len(data.train_labels)))).cpu()
    for network in networks:
        network.prepare(image)


@torch.no_grad()
def logits_of(network: nn.Module, image: Tensor, device: torch.device, dtype: torch.dtype = torch.float32) -> Tensor:
    """Logits (N, K) float32 on the CPU of uint8 images (N, C, H, W); `network` in eval mode."""
    return torch.cat([network(normalise(part.to(device)).to(dtype)).float().cpu() for part in image.split(EVAL_BATCH)])


def classification_metrics(game: Game, network: str, data: Any, **more: Any) -> FinalMetrics:
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
            details[split] = report
    return FinalMetrics(metrics, {"classification": details})


def check_classifier(network: nn.Module, *, channels: int, image_size: int, num_classes: int) -> None:
    """One dry run on a copy without memory. Raises ConfigError."""
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
