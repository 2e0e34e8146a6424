"""A classifier out of a run directory: what metrics, attacks and studies ask about an image."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from sparring import weights as weights_file
from sparring.attack.epsilon import pixel_fraction
from sparring.build import build_model
from sparring.environment import config_hash
from sparring.errors import CheckpointError
from sparring.model.discriminator.base import ClassJudge, Discriminator
from sparring.model.perturber.base import Perturber
from sparring.run_dir import RunDir


@dataclass(frozen=True)
class Loaded:
    """network: images (N, C, H, W) in [-1, 1] -> logits (N, K); on the CPU, in eval mode, weights frozen.

    origin: what a record says about where it comes from; plain values.
    """

    network: nn.Module
    class_names: tuple[str, ...]
    channels: int
    image_size: int
    origin: dict[str, Any]


def load_classifier(source: RunDir, *, extensions: list[str], checkpoint: str | int = "last") -> Loaded:
    """The classifier that a run trained, whatever game it was trained in; checkpoint: as `RunDir.weights_file` takes it.

    Raises:
        CheckpointError: the run trained none, has no such weights, or they do not fit its settings.
        ConfigError: a checkpoint of another word.
    """
    return _loaded(source, extensions, _classifier, source.weights_file(checkpoint))


def load_discriminator(source: RunDir, *, extensions: list[str]) -> Loaded:
    """The discriminator of a GAN's run: (images (N, C, H, W) in [-1, 1], labels (N,)) -> logits (N,).

    Raises:
        CheckpointError: the run trained none, has no weights, or they do not fit its settings.
    """
    return _loaded(source, extensions, _discriminator, source.weights)


def load_perturber(source: RunDir, *, extensions: list[str]) -> Loaded:
    """The perturbation generator of a run of model=advgan: images (N, C, H, W) -> changes in radii, same shape.

    `origin["epsilon"]` is what it was trained with.

    Raises:
        CheckpointError: the run trained none, has no weights, or they do not fit its settings.
    """
    loaded = _loaded(source, extensions, _perturber, source.weights)
    epsilon = pixel_fraction(source.config.model.epsilon)
    return replace(loaded, origin=loaded.origin | {"epsilon": epsilon})


def _perturber(model: Any, source: RunDir) -> nn.Module:
    if not isinstance(getattr(model, "perturber", None), Perturber):
        raise CheckpointError(
            f"{source.path} holds no perturbation generator; give the directory of a run of train.py with model=advgan."
        )
    return model.perturber


def _classifier(model: Any, source: RunDir) -> nn.Module:
    if hasattr(model, "classifier"):
        return model.classifier()
    judge = getattr(model, "discriminator", None)
    if isinstance(judge, Discriminator) and judge.head.classifies:
        return ClassJudge(judge)
    raise CheckpointError(
        f"{source.path} holds no classifier; give the directory of a run of train.py with model=classifier, or of a GAN whose "
        "discriminator tells classes, such as model=acgan."
    )


def _discriminator(model: Any, source: RunDir) -> nn.Module:
    if not isinstance(getattr(model, "discriminator", None), Discriminator):
        raise CheckpointError(
            f"{source.path} holds no discriminator; give the directory of a run of train.py with a GAN."
        )
    return model.discriminator


def _loaded(source: RunDir, extensions: list[str], choose: Callable[[Any, RunDir], nn.Module], file: Path) -> Loaded:
    config, tensors = source.config, weights_file.load(file)
    model: Any = build_model(config, extensions=extensions)
    network = choose(model, source)
    for name, part in model.networks().items():
        own = {key.removeprefix(f"{name}."): value for key, value in tensors.items() if key.startswith(f"{name}.")}
        try:
            part.load_state_dict(own)
        except RuntimeError as error:
            reason = str(error).splitlines()[-1].strip()
            raise CheckpointError(
                f"The weights of {source.path} do not fit its settings ({reason}); restore the run from a copy."
            ) from error
    metadata = weights_file.stored_metadata(file)
    network = network.eval().requires_grad_(False).to(torch.float32)
    origin = {
        "run": str(source.path),
        "config_hash": config_hash(config),
        "weights": "as trained" if isinstance(network, Discriminator | ClassJudge | Perturber) else "averaged",
        "weights_sha256": weights_file.stored_hash(file),
        "iteration": int(metadata["iteration"]),
        "images_seen": int(metadata["images_seen"]),
        "fingerprints": json.loads(metadata["fingerprints"]),
    }
    names = tuple(json.loads(metadata["classes"]))
    return Loaded(network, names, config.data.channels, config.data.image_size, origin)
