"""Networks out of run directories: what metrics, attacks, defences and studies ask about an image, or draw images with."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from sparring.core.errors import CheckpointError, ConfigError
from sparring.core.pixels import normalise
from sparring.core.settings import pixel_fraction
from sparring.core.task import Task
from sparring.core.types import TrainedNetwork
from sparring.model.degraded_classifier import DegradedClassifier
from sparring.model.discriminator.base import Discriminator, DiscriminatorClassifier
from sparring.model.perturber.base import Perturber
from sparring.run import weights as weights_file
from sparring.run.environment import config_hash
from sparring.trained.model import TrainedModel

WEIGHTS = ("ema", "generator")
LOGITS_BATCH = 256


@dataclass(frozen=True)
class TrainedGenerator:
    """A generator out of a run directory and what is known about it.

    Args:
        network: (latent (N, latent_dim), label (N,)) -> images (N, C, H, W) in [-1, 1]; on the CPU, in eval mode.
        discriminator: D of the same run, or None.
        channels: of an image.
        class_names: empty for an unconditional generator.
        class_prior: (K,) class frequencies of the training data, if saved.
        origin: run, weights, clock and fingerprints, for a manifest; plain values.
    """

    network: nn.Module
    discriminator: nn.Module | None
    latent_dim: int
    channels: int
    class_names: tuple[str, ...]
    class_prior: Tensor | None
    origin: dict[str, Any]

    @property
    def num_classes(self) -> int | None:
        """None for an unconditional generator."""
        return len(self.class_names) or None


def check_weights_name(weights: str) -> None:
    """Raise ConfigError unless `weights` names one of a generator's two sets of weights."""
    if weights not in WEIGHTS:
        raise ConfigError(f"weights={weights} is unknown; give one of {', '.join(WEIGHTS)}.")


def generator_of(trained: TrainedModel, weights: str, *, checkpoint: str | int) -> TrainedGenerator:
    """The generator of a GAN, its discriminator, and where both come from.

    Args:
        weights: "ema" (the averaged one) or "generator".
        checkpoint: which weights of the run `trained` holds, for the record.

    Raises:
        CheckpointError: the model has no generator, or its weights do not fit the settings.
    """
    model = trained.model
    network = getattr(model, weights, None)
    if not isinstance(network, nn.Module) or not model.draws_images:  # a classifier has an average, too
        raise CheckpointError(
            f"{trained.run.path} holds no generator; give the directory of a training run with a GAN."
        )
    trained.load({weights: network})
    names = trained.fact("classes")
    classes = tuple(names or map(str, range(model.num_classes))) if model.conditional else ()
    origin = {
        "run": str(trained.run.path),
        "config_hash": config_hash(trained.settings),
        "weights": weights,
        "checkpoint": checkpoint,
        "generator_sha256": weights_file.content_hash(trained.tensors_of(weights)),
        "iteration": trained.fact("iteration"),
        "images_seen": trained.fact("images_seen"),
        "fingerprints": trained.fact("fingerprints"),
    }
    return TrainedGenerator(
        network.eval(), _loaded_discriminator(trained), model.latent_dim, trained.settings["data"]["channels"], classes,
        trained.tensors.get("class_prior"), origin,
    )  # fmt: skip


def classifier_of(trained: TrainedModel) -> TrainedNetwork:
    """The classifier of a model: its own, or a discriminator whose head tells classes.

    Raises:
        CheckpointError: the model has none, or its weights do not fit the settings.
    """
    model, discriminator = trained.model, getattr(trained.model, "discriminator", None)
    if isinstance(model, DegradedClassifier):
        raise CheckpointError(
            f"{trained.run.path} holds a classifier of degraded images, which knows nothing of images as they are; give the "
            "directory of a training run with model=classifier."
        )
    if hasattr(model, "classifier"):
        return _trained_network(trained, model.classifier())
    if isinstance(discriminator, Discriminator) and discriminator.head.classifies:
        return _trained_network(trained, DiscriminatorClassifier(discriminator))
    raise CheckpointError(
        f"{trained.run.path} holds no classifier; give the directory of a training run with model=classifier, or of a GAN "
        "whose discriminator tells classes, such as model=acgan."
    )


def discriminator_of(trained: TrainedModel) -> TrainedNetwork:
    """The discriminator of a GAN: (images (N, C, H, W) in [-1, 1], labels (N,)) -> logits (N,).

    Raises:
        CheckpointError: the model has none, or its weights do not fit the settings.
    """
    network = getattr(trained.model, "discriminator", None)
    if not isinstance(network, Discriminator):
        raise CheckpointError(
            f"{trained.run.path} holds no discriminator; give the directory of a training run with a GAN."
        )
    return _trained_network(trained, network)


def perturber_of(trained: TrainedModel) -> TrainedNetwork:
    """The perturbation generator of model=advgan: images (N, C, H, W) in [-1, 1] -> changes in radii, same shape.

    `origin["epsilon"]` is the fraction of the pixel range that it was trained with.

    Raises:
        CheckpointError: the model has none, or its weights do not fit the settings.
    """
    network = getattr(trained.model, "perturber", None)
    if not isinstance(network, Perturber):
        raise CheckpointError(
            f"{trained.run.path} holds no perturbation generator; give the directory of a training run with "
            "model=advgan."
        )
    loaded = _trained_network(trained, network)
    return replace(loaded, origin=loaded.origin | {"epsilon": pixel_fraction(trained.settings["model"]["epsilon"])})


def discriminator_logits(trained: TrainedModel, *, device: torch.device) -> Callable[[Tensor, Tensor], Tensor] | None:
    """(uint8 images (N, C, H, W), labels (N,)) -> logits (N,) on the CPU, of the discriminator on `device`.

    None where the model has no discriminator.
    """
    network = _loaded_discriminator(trained)
    if not isinstance(network, Discriminator):
        return None
    network.to(device, torch.float32)

    @torch.no_grad()
    def logits(image: Tensor, label: Tensor) -> Tensor:
        parts = zip(image.split(LOGITS_BATCH), label.clamp(min=0).split(LOGITS_BATCH), strict=True)
        return torch.cat([network(normalise(x.to(device)), y.to(device)).float().cpu() for x, y in parts])

    return logits


def _trained_network(trained: TrainedModel, network: nn.Module) -> TrainedNetwork:
    """`network`, a part of the model or wrapped around one, with its weights and its origin."""
    trained.load(trained.model.networks())
    network = network.eval().requires_grad_(False).to(torch.float32)
    data = trained.settings["data"]
    as_trained = isinstance(network, Discriminator | DiscriminatorClassifier | Perturber)
    origin = {
        "run": str(trained.run.path),
        "config_hash": config_hash(trained.settings),
        "weights": "as trained" if as_trained else "averaged",
        "weights_sha256": weights_file.stored_hash(trained.file),
        "iteration": trained.fact("iteration"),
        "images_seen": trained.fact("images_seen"),
        "fingerprints": trained.fact("fingerprints"),
    }
    return TrainedNetwork(network, Task(data["channels"], data["image_size"], tuple(trained.fact("classes"))), origin)


def _loaded_discriminator(trained: TrainedModel) -> nn.Module | None:
    network = getattr(trained.model, "discriminator", None)
    if not isinstance(network, nn.Module) or not trained.tensors_of("discriminator"):
        return None
    trained.load({"discriminator": network})
    return network.eval()
