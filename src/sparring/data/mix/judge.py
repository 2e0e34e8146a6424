"""Trained networks that label and filter images, and what they were trained on."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from sparring.cli.resume import find_run
from sparring.data import seen
from sparring.data.augment import normalise
from sparring.data.mix.base import Context
from sparring.data.seen import Seen
from sparring.errors import DataError
from sparring.run_dir import RunDir

BATCH = 256


@dataclass(frozen=True)
class Judge:
    """score: (image (N, C, H, W) uint8, label (N,)) -> logits (N, K) of a classifier or (N,) of a discriminator."""

    score: Callable[[Tensor, Tensor], Tensor]
    seen: tuple[Seen, ...]
    origin: dict[str, Any]


def classifier(given: str, context: Context, key: str) -> Judge:
    """The classifier of a run, which must know this run's classes and image shape.

    Raises:
        CheckpointError: no such run, or no classifier. DataError: other classes or shape, or no record of its images.
    """
    from sparring.stage.load import load_classifier  # builds models; this package is built before them

    run = _run(given, context)
    loaded = load_classifier(run, extensions=list(context.extensions))
    _check(key, given, loaded, context)
    return Judge(
        lambda image, label: _scores(lambda x, y: loaded.network(x), image, label),
        tuple(seen.load(run.path, fingerprints=loaded.origin["fingerprints"])),
        loaded.origin,
    )


def discriminator(given: str, context: Context, key: str) -> Judge:
    """The discriminator of a GAN's run. Raises as `classifier`."""
    from sparring.stage.load import load_discriminator

    run = _run(given, context)
    loaded = load_discriminator(run, extensions=list(context.extensions))
    _check(key, given, loaded, context)
    return Judge(
        lambda image, label: _scores(loaded.network, image, label),
        tuple(seen.load(run.path, fingerprints=loaded.origin["fingerprints"])),
        loaded.origin,
    )


def _run(given: str, context: Context) -> RunDir:
    return RunDir.open(find_run(str(given), Path(context.log_dir)))


def _check(key: str, given: str, loaded: Any, context: Context) -> None:
    shape = context.shape
    if (loaded.channels, loaded.image_size) != (shape.channels, shape.image_size):
        raise DataError(
            f"{key}={given} was trained on {loaded.image_size} pixel images with {loaded.channels} channels, this run has"
            f" {shape.image_size} and {shape.channels}: give a run on the same data."
        )
    if tuple(loaded.class_names) != context.class_names:
        raise DataError(
            f"{key}={given} knows the classes {', '.join(loaded.class_names[:10])}, this run has"
            f" {', '.join(context.class_names[:10])}: give a run on the same data."
        )


@torch.no_grad()
def _scores(network: nn.Module | Callable[..., Tensor], image: Tensor, label: Tensor) -> Tensor:
    parts = zip(image.split(BATCH), label.split(BATCH), strict=True)
    return torch.cat([network(normalise(x), y).float() for x, y in parts])
