"""The defence that an attack config puts before the classifier, and what a result says about it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from omegaconf import DictConfig
from torch import Tensor, nn

from sparring.config.build import build
from sparring.core.errors import ConfigError
from sparring.core.settings import IN_FLIGHT
from sparring.core.types import Batch, TrainedNetwork
from sparring.data.module.image_data import ImageData
from sparring.data.serving import provenance
from sparring.defence.base import Defence, Prior
from sparring.defence.purify import Purified
from sparring.trained.networks import TrainedGenerator, load_generator
from sparring.trained.runs import open_run


@dataclass(frozen=True)
class DefendedClassifier:
    """network: the classifier behind its defence, on the CPU. trained: the generator that the defence uses, or None."""

    network: nn.Module
    trained: TrainedGenerator | None

    def check_unseen(self, data: ImageData, split: str) -> None:
        """Raise DataError if the generator saw images of the split that the classifier is judged on; train judges nothing."""
        if self.trained is None or split == "train":
            return
        folder = Path(self.trained.origin["run"])
        records = provenance.load(folder, fingerprints=self.trained.origin["fingerprints"])
        provenance.check({split: data.record(split)}, records, data.record("train").hashes)


def defended_classifier(loaded: TrainedNetwork, config: DictConfig) -> DefendedClassifier:
    """The defence of `config.defence` around a classifier.

    Raises:
        CheckpointError: its generator is no run of a GAN. ConfigError: it draws other images than the classifier sees.
    """
    defence: Defence = build(config.defence, section="defence", extensions=list(config.extensions))
    if defence.generator is None:
        return DefendedClassifier(defence.defend(loaded.network, None), None)
    run = open_run(defence.generator, config.paths.log_dir)
    trained = load_generator(run, "ema", extensions=list(config.extensions))
    prior = Prior(trained.network.requires_grad_(False), trained.latent_dim, trained.num_classes)
    _check_shape(prior, loaded, trained.origin["run"])
    return DefendedClassifier(defence.defend(loaded.network, prior).eval(), trained)


def _check_shape(prior: Prior, loaded: TrainedNetwork, run: str) -> None:
    with torch.no_grad():
        drawn = prior.network(torch.zeros(1, prior.latent_dim), torch.zeros(1, dtype=torch.int64)).shape[1:]
    if tuple(drawn) != (loaded.channels, loaded.image_size, loaded.image_size):
        raise ConfigError(
            f"defence.generator={run} draws images of {' x '.join(map(str, drawn))} and {loaded.origin['run']} sees "
            f"{loaded.channels} x {loaded.image_size} x {loaded.image_size}; give a GAN of the classifier's data."
        )


def defence_record(
    shielded: DefendedClassifier, loaded: TrainedNetwork, images: Batch, batch_size: int
) -> dict[str, Any] | None:
    """What a defence does to images (N, C, H, W) in [-1, 1] that nobody attacked; None without a defence.

    undefended_accuracy: of the classifier alone. reconstruction_rms: of the pixels of G(z*), mean over the images, in
    fractions of the pixel range, like an epsilon. class_rebuilt: share of the images for which a conditional generator
    rebuilt the true class best.
    """
    network, trained = shielded.network, shielded.trained
    if not isinstance(network, Purified) or trained is None:
        return None
    parts = list(zip(images.image.split(batch_size), images.label.split(batch_size), strict=True))
    found = [network.rebuild(image) for image, _ in parts]
    label = torch.cat([part.label for part in found])
    with torch.no_grad():
        alone = torch.cat([network.network(image).argmax(1) for image, _ in parts])
    error = torch.cat([part.error for part in found])
    same_classes = trained.class_names == loaded.class_names
    return {
        "generator": trained.origin,
        "undefended_accuracy": _share(alone == images.label),
        "reconstruction_rms": float((error.sqrt() / IN_FLIGHT).mean()),
        "class_rebuilt": _share(label == images.label) if same_classes else None,
    }


def _share(right: Tensor) -> float:
    return float(right.float().mean())
