"""Networks out of run directories: what metrics, attacks, defences and studies ask about an image, or draw images with."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from sparring.core.errors import CheckpointError, ConfigError
from sparring.core.pixels import normalise
from sparring.core.settings import pixel_fraction
from sparring.core.task import Task
from sparring.core.types import TrainedNetwork
from sparring.model.discriminator.base import Discriminator, DiscriminatorClassifier
from sparring.model.perturber.base import Perturber
from sparring.run import weights as weights_file
from sparring.run.directory import RunDir, config_hash
from sparring.trained.runs import TrainedModel

WEIGHTS = ("ema", "generator")
LOGITS_BATCH = 256


@dataclass(frozen=True)
class TrainedGenerator:
    """A generator out of a run directory and what is known about it.

    network: (latent (N, latent_dim), label (N,)) -> images (N, C, H, W) in [-1, 1]; on the CPU, in eval mode.
    discriminator: D of the same run, or None. class_names is empty for an unconditional generator.
    class_prior: the training data's class frequencies, if saved.
    origin: what a manifest says about where the images come from; plain values.
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
        return len(self.class_names) or None


def load_generator(
    run: RunDir, weights: str, *, extensions: Sequence[str], checkpoint: str | int = "last"
) -> TrainedGenerator:
    """The generator of a run.

    weights: "ema" (the averaged one) or "generator". checkpoint: as `TrainedModel` takes it.

    Raises:
        CheckpointError: the run has no generator or no weights, or they do not fit its settings. ConfigError: unknown weights.
    """
    if weights not in WEIGHTS:
        raise ConfigError(f"weights={weights} is unknown; give one of {', '.join(WEIGHTS)}.")
    trained = TrainedModel(run, extensions=extensions, checkpoint=checkpoint)
    model, metadata = trained.model, trained.metadata
    if not isinstance(getattr(model, weights, None), nn.Module):
        raise CheckpointError(f"{run.path} holds no generator; give the directory of a training run with a GAN.")
    network: nn.Module = getattr(model, weights)
    trained.load({weights: network})
    names = json.loads(metadata["classes"])
    classes = tuple(names or map(str, range(model.num_classes))) if model.conditional else ()
    origin = {
        "run": str(run.path),
        "config_hash": config_hash(trained.config),
        "weights": weights,
        "checkpoint": checkpoint,
        "generator_sha256": weights_file.content_hash(trained.tensors_of(weights)),
        "iteration": int(metadata["iteration"]),
        "images_seen": int(metadata["images_seen"]),
        "fingerprints": json.loads(metadata["fingerprints"]),
    }
    return TrainedGenerator(
        network.eval(), _loaded_discriminator(trained), model.latent_dim, trained.config.data.channels, classes,
        trained.tensors.get("class_prior"), origin,
    )  # fmt: skip


def load_classifier(run: RunDir, *, extensions: Sequence[str], checkpoint: str | int = "last") -> TrainedNetwork:
    """The classifier that a run trained, whatever game it was trained in; checkpoint: as `TrainedModel` takes it.

    Raises:
        CheckpointError: the run trained none, has no such weights, or they do not fit its settings.
        ConfigError: a checkpoint of another word.
    """
    return _trained_network(TrainedModel(run, extensions=extensions, checkpoint=checkpoint), _classifier)


def load_discriminator(run: RunDir, *, extensions: Sequence[str]) -> TrainedNetwork:
    """The discriminator of a GAN's run: (images (N, C, H, W) in [-1, 1], labels (N,)) -> logits (N,).

    Raises:
        CheckpointError: the run trained none, has no weights, or they do not fit its settings.
    """
    return _trained_network(TrainedModel(run, extensions=extensions), _discriminator)


def load_perturber(run: RunDir, *, extensions: Sequence[str]) -> TrainedNetwork:
    """The perturbation generator of a run of model=advgan: images (N, C, H, W) -> changes in radii, same shape.

    `origin["epsilon"]` is what it was trained with.

    Raises:
        CheckpointError: the run trained none, has no weights, or they do not fit its settings.
    """
    loaded = _trained_network(TrainedModel(run, extensions=extensions), _perturber)
    epsilon = pixel_fraction(run.config.model.epsilon)
    return replace(loaded, origin=loaded.origin | {"epsilon": epsilon})


def discriminator_logits(
    run: RunDir, *, extensions: Sequence[str], checkpoint: str | int, device: torch.device
) -> Callable[[Tensor, Tensor], Tensor] | None:
    """(uint8 images (N, C, H, W), labels (N,)) -> logits (N,) on the CPU of the run's discriminator; None where it has none."""
    network = _loaded_discriminator(TrainedModel(run, extensions=extensions, checkpoint=checkpoint))
    if not isinstance(network, Discriminator):
        return None
    network.to(device, torch.float32)

    @torch.no_grad()
    def logits(image: Tensor, label: Tensor) -> Tensor:
        parts = zip(image.split(LOGITS_BATCH), label.clamp(min=0).split(LOGITS_BATCH), strict=True)
        return torch.cat([network(normalise(x.to(device)), y.to(device)).float().cpu() for x, y in parts])

    return logits


def _trained_network(trained: TrainedModel, choose: Callable[[Any, RunDir], nn.Module]) -> TrainedNetwork:
    network = choose(trained.model, trained.run)
    trained.load(trained.model.networks())
    network = network.eval().requires_grad_(False).to(torch.float32)
    metadata, data = trained.metadata, trained.config.data
    as_trained = isinstance(network, Discriminator | DiscriminatorClassifier | Perturber)
    origin = {
        "run": str(trained.run.path),
        "config_hash": config_hash(trained.config),
        "weights": "as trained" if as_trained else "averaged",
        "weights_sha256": weights_file.stored_hash(trained.file),
        "iteration": int(metadata["iteration"]),
        "images_seen": int(metadata["images_seen"]),
        "fingerprints": json.loads(metadata["fingerprints"]),
    }
    return TrainedNetwork(network, Task(data.channels, data.image_size, tuple(json.loads(metadata["classes"]))), origin)


def _loaded_discriminator(trained: TrainedModel) -> nn.Module | None:
    network = getattr(trained.model, "discriminator", None)
    if not isinstance(network, nn.Module) or not trained.tensors_of("discriminator"):
        return None
    trained.load({"discriminator": network})
    return network.eval()


def _classifier(model: Any, run: RunDir) -> nn.Module:
    if hasattr(model, "classifier"):
        return model.classifier()
    discriminator = getattr(model, "discriminator", None)
    if isinstance(discriminator, Discriminator) and discriminator.head.classifies:
        return DiscriminatorClassifier(discriminator)
    raise CheckpointError(
        f"{run.path} holds no classifier; give the directory of a training run with model=classifier, or of a GAN whose "
        "discriminator tells classes, such as model=acgan."
    )


def _discriminator(model: Any, run: RunDir) -> nn.Module:
    if not isinstance(getattr(model, "discriminator", None), Discriminator):
        raise CheckpointError(f"{run.path} holds no discriminator; give the directory of a training run with a GAN.")
    return model.discriminator


def _perturber(model: Any, run: RunDir) -> nn.Module:
    if not isinstance(getattr(model, "perturber", None), Perturber):
        raise CheckpointError(
            f"{run.path} holds no perturbation generator; give the directory of a training run with model=advgan."
        )
    return model.perturber
