"""The defence that an attack config puts before the classifier, and what a result says about it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from sparring.core.errors import ConfigError
from sparring.core.settings import IN_FLIGHT
from sparring.core.types import Batch, TrainedNetwork
from sparring.data.module.image_data import ImageData
from sparring.data.serving import provenance
from sparring.defence.base import Defence, Prior
from sparring.defence.purify import Purified
from sparring.trained.networks import TrainedGenerator
from sparring.trained.runs import Runs


@dataclass(frozen=True)
class DefendedClassifier:
    """A classifier behind its defence.

    Args:
        network: images (N, C, H, W) in [-1, 1] -> logits (N, K); on the CPU.
        generator: the one that the defence uses, or None.
    """

    network: nn.Module
    generator: TrainedGenerator | None

    @property
    def differentiable(self) -> bool:
        """Whether attacks that follow gradients apply."""
        return bool(getattr(self.network, "differentiable", True))

    def check_unseen(self, data: ImageData, split: str) -> None:
        """Refuse a generator that was trained on the split whose images are attacked; "train" measures nothing.

        Raises:
            DataError: it was, or does not say on what it was trained.
        """
        if self.generator is None or split == "train":
            return
        folder = Path(self.generator.origin["run"])
        records = provenance.load(folder, fingerprints=self.generator.origin["fingerprints"])
        provenance.check({split: data.record(split)}, records, data.record("train").hashes)


def defended_classifier(loaded: TrainedNetwork, defence: Defence, runs: Runs) -> DefendedClassifier:
    """`defence` around a classifier.

    Args:
        runs: where the generator of the defence is, if it has one.

    Raises:
        CheckpointError: the generator of the defence is no run of a GAN.
        ConfigError: it draws other images than the classifier sees.
    """
    if defence.generator is None:
        return DefendedClassifier(defence.defend(loaded.network, None), None)
    generator = runs.generator(defence.generator)
    prior = Prior(generator.network.requires_grad_(False), generator.latent_dim, generator.num_classes)
    _check_shape(prior, loaded, generator.origin["run"])
    return DefendedClassifier(defence.defend(loaded.network, prior).eval(), generator)


def _check_shape(prior: Prior, loaded: TrainedNetwork, run: str) -> None:
    with torch.no_grad():
        drawn = prior.network(torch.zeros(1, prior.latent_dim), torch.zeros(1, dtype=torch.int64)).shape[1:]
    if tuple(drawn) != (loaded.channels, loaded.image_size, loaded.image_size):
        raise ConfigError(
            f"defence.generator={run} draws images of {' x '.join(map(str, drawn))} and {loaded.origin['run']} sees "
            f"{loaded.channels} x {loaded.image_size} x {loaded.image_size}; give a GAN of the classifier's data."
        )


def defence_record(
    defended: DefendedClassifier, loaded: TrainedNetwork, images: Batch, batch_size: int
) -> dict[str, Any] | None:
    """What a defence does to images that nobody attacked; None without a defence.

    undefended_accuracy: of the classifier alone. reconstruction_rms: of the pixels of G(z*), mean over the images, in
    fractions of the pixel range, like an epsilon. class_rebuilt: share of the images for which a conditional generator
    rebuilt the true class best.

    Args:
        loaded: the classifier alone.
        images: (N, C, H, W) in [-1, 1] and labels (N,), on the device of `defended`.
        batch_size: images that are rebuilt together.
    """
    network, generator = defended.network, defended.generator
    if not isinstance(network, Purified) or generator is None:
        return None
    parts = list(zip(images.image.split(batch_size), images.label.split(batch_size), strict=True))
    rebuilt = [network.rebuild(image) for image, _ in parts]
    label = torch.cat([part.label for part in rebuilt])
    with torch.no_grad():
        undefended = torch.cat([network.network(image).argmax(1) for image, _ in parts])
    error = torch.cat([part.error for part in rebuilt])
    same_classes = generator.class_names == loaded.class_names
    return {
        "generator": generator.origin,
        "undefended_accuracy": _share(undefended == images.label),
        "reconstruction_rms": float((error.sqrt() / IN_FLIGHT).mean()),
        "class_rebuilt": _share(label == images.label) if same_classes else None,
    }


def _share(correct: Tensor) -> float:
    return float(correct.float().mean())
