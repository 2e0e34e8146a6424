"""The door to earlier runs: a run as typed is found, opened, built from its settings, and given its weights."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from omegaconf import DictConfig
from torch import Tensor, nn

from sparring.config.build import NOTHING, Builder, build
from sparring.core.types import TrainedNetwork
from sparring.model.game import Game
from sparring.model.given import Place, adapted
from sparring.run import weights as weights_file
from sparring.run.directory import RunDir
from sparring.run.search import find_run
from sparring.trained import networks
from sparring.trained.enhancer import TrainedEnhancer, enhancer_of
from sparring.trained.model import TrainedModel
from sparring.trained.networks import TrainedGenerator

Given = str | Path | RunDir  # a run as typed, its directory, or the opened run
Checkpoint = str | int


def build_model(
    settings: Mapping[str, Any], *, build: Builder = build, networks: Mapping[str, nn.Module] = NOTHING
) -> Any:
    """The LightningModule of a whole configuration, with the data's shape checked against the networks.

    Args:
        settings: has the sections `model` and `data`.
        networks: those that were made in Python, by their name in the section `model`; the model gets copies.

    Raises:
        ConfigError: the networks do not fit each other or the data, or one that was made in Python is missing.
    """
    given = {name: adapted(name, network, _place(settings, build)) for name, network in networks.items()}
    model, data = build(settings["model"], section="model", given=given), settings["data"]
    if isinstance(model, Game):
        model.check_data(channels=data["channels"], image_size=data["image_size"])
    return model


def _place(settings: Mapping[str, Any], build: Builder) -> Place:
    """What the settings ask of a network that was made in Python."""
    model, data = settings["model"], settings["data"]
    conditioning, head = (
        build(model[part], section="model", key=f"model.{part}") if part in model else None
        for part in ("conditioning", "head")
    )
    latent_dim = model.get("latent_dim", 0)
    return Place(data["channels"], data["image_size"], data["num_classes"], latent_dim, conditioning, head)


@dataclass(frozen=True)
class Runs:
    """Earlier runs: where they are looked for, and whose classes their settings may name.

    Every method takes a run as it was typed: a directory, relative to the working directory, the repository, logs/train or
    logs/study. `checkpoint` is "last"; "best" by quality or robust accuracy; or an iteration whose weights the run kept.

    Args:
        log_dir: the folder `logs` that holds train/, study/, ...
        build: what builds their models.
        networks: those that a run was given in Python, as `build_model` takes them.
    """

    log_dir: Path = Path("logs")
    build: Builder = build
    networks: Mapping[str, nn.Module] = field(default_factory=dict)

    @classmethod
    def of(cls, config: DictConfig, *, networks: Mapping[str, nn.Module] = NOTHING) -> "Runs":
        """What a verb's configuration says: `paths.log_dir` and `extensions`."""
        return cls(Path(config.paths.log_dir), Builder.of(config), networks)

    def find(self, given: Given) -> Path:
        """The directory that is meant; the path as typed where there is none."""
        return given.path if isinstance(given, RunDir) else find_run(str(given), self.log_dir)

    def open(self, given: Given) -> RunDir:
        """The run, for reading.

        Raises:
            CheckpointError: there is none, with the runs that may have been meant.
        """
        return given if isinstance(given, RunDir) else RunDir.open(self.find(given))

    def model(self, given: Given, *, checkpoint: Checkpoint = "last") -> TrainedModel:
        """The model of a run and its saved tensors.

        Raises:
            CheckpointError: no such run, or no such weights.
            ConfigError: its settings build no model, or a checkpoint of another word.
        """
        run = self.open(given)
        settings, file = run.config, run.weights_file(checkpoint)
        tensors, metadata = weights_file.load(file), weights_file.stored_metadata(file)
        model = build_model(settings, build=self.build, networks=self.networks)
        return TrainedModel(run, settings, model, file, tensors, metadata)

    def classifier(self, given: Given, *, checkpoint: Checkpoint = "last") -> TrainedNetwork:
        """The classifier that a run trained, whatever game it was trained in.

        Raises:
            CheckpointError: the run trained none, has no such weights, or they do not fit its settings.
            ConfigError: a checkpoint of another word.
        """
        return networks.classifier_of(self.model(given, checkpoint=checkpoint))

    def discriminator(self, given: Given, *, checkpoint: Checkpoint = "last") -> TrainedNetwork:
        """The discriminator of a GAN's run: (images (N, C, H, W) in [-1, 1], labels (N,)) -> logits (N,).

        Raises:
            CheckpointError: the run trained none, has no such weights, or they do not fit its settings.
        """
        return networks.discriminator_of(self.model(given, checkpoint=checkpoint))

    def discriminator_logits(
        self, given: Given, *, checkpoint: Checkpoint, device: torch.device
    ) -> Callable[[Tensor, Tensor], Tensor] | None:
        """The run's discriminator as a function (uint8 images (N, C, H, W), labels (N,)) -> logits (N,) on the CPU.

        None where the run has no discriminator.

        Args:
            device: where the network computes.

        Raises:
            CheckpointError: no such run or weights, or they do not fit its settings.
        """
        return networks.discriminator_logits(self.model(given, checkpoint=checkpoint), device=device)

    def perturber(self, given: Given, *, checkpoint: Checkpoint = "last") -> TrainedNetwork:
        """The perturbation generator of a run of model=advgan: images (N, C, H, W) -> changes in radii, same shape.

        `origin["epsilon"]` is the fraction of the pixel range that it was trained with.

        Raises:
            CheckpointError: the run trained none, has no such weights, or they do not fit its settings.
        """
        return networks.perturber_of(self.model(given, checkpoint=checkpoint))

    def enhancer(self, given: Given, *, checkpoint: Checkpoint = "last") -> TrainedEnhancer:
        """The averaged enhancer of a restorer's or an SRGAN's run.

        Raises:
            CheckpointError: the run has none or no such weights, or they do not fit its settings.
        """
        return enhancer_of(self.model(given, checkpoint=checkpoint))

    def generator(self, given: Given, *, weights: str = "ema", checkpoint: Checkpoint = "last") -> TrainedGenerator:
        """The generator of a run.

        Args:
            weights: "ema" (the averaged one) or "generator".

        Raises:
            CheckpointError: the run has no generator or no such weights, or they do not fit its settings.
            ConfigError: unknown `weights`, or a checkpoint of another word.
        """
        networks.check_weights_name(weights)
        return networks.generator_of(self.model(given, checkpoint=checkpoint), weights, checkpoint=checkpoint)
