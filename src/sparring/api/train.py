"""`sparring.train`: the training stage, also with networks and images that were made in Python."""

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf
from torch import nn
from torch.nn.parameter import is_lazy

from sparring.api.compose import Overrides, checked, flat
from sparring.api.folder import new_run
from sparring.api.images import content_of
from sparring.api.own_data import data_overrides, keep, put_into
from sparring.api.run import Run
from sparring.config.build import GIVEN
from sparring.core.errors import ConfigError
from sparring.data.arrays import Content
from sparring.model.given import class_name
from sparring.run import weights
from sparring.run.directory import RunDir
from sparring.stage.train import train as train_stage
from sparring.training.settings import TrainerSettings
from sparring.training.trainer import world_size


def train(
    *overrides: Overrides | DictConfig,
    generator: nn.Module | None = None,
    discriminator: nn.Module | None = None,
    backbone: nn.Module | None = None,
    data: Any = None,
    run_dir: str | Path | None = None,
) -> Run:
    """Train a GAN or a classifier, and leave a run directory as `python train.py` does.

    >>> import sparring
    >>> run = sparring.train("model=rpgan", "data=digits", "data.image_size=8", "trainer.max_steps=2", "report=false")
    >>> run.status
    'finished'

    With images and networks of your own:

    >>> import torch
    >>> from torch import nn
    >>> images, labels = torch.rand(120, 1, 8, 8), torch.arange(120) % 3
    >>> net = nn.Sequential(nn.Linear(16, 64), nn.Tanh(), nn.Unflatten(1, (1, 8, 8)))
    >>> run = sparring.train(
    ...     "model.latent_dim=16", "model/conditioning=none", "model/head=none", "trainer.max_steps=2", "report=false",
    ...     data=(images, labels), generator=net,
    ... )
    >>> run.sample(5)[0].shape
    torch.Size([5, 1, 8, 8])

    Networks are copied, so the same call trains from the same weights again. Images in networks are in [-1, 1]:

    - generator: forward(latent (N, L), label (N,)) -> images (N, C, H, W). With model/conditioning=none and model/head=none, an
      unconditional GAN, forward(latent). The network itself puts the label to use; no other model/conditioning reaches it.
    - discriminator: forward(images) -> features (N, F), from which model/head makes the logit, with the label where that is a
      choice with labels; or, with model/head=none, one logit per image.
    - backbone: forward(images) -> logits (N, K), of a classifier.

    `sparring.open(run, generator=net)` opens such a run later: no file can rebuild the network, and nothing loads its code.

    Args:
        overrides: as `sparring.compose` takes them, or one configuration that it returned.
        generator, discriminator, backbone: networks in place of those that the configuration names.
        data: a pair (images, labels), a torch data set of (image, label), or {"train": ..., "test": ...} of either. Images
            are tensors or arrays (N, C, H, W) with 1 or 3 channels: uint8, floats in [0, 1], or floats in [-1, 1] if any is
            negative; labels whole numbers from 0 on. They are written to the cache, where later stages find them.
        run_dir: where the run goes; a new folder below logs/train if not given.

    Raises:
        ConfigError, DataError, DivergedError, OutOfMemoryError, DiskError: in one sentence each, as on the command line.
        Interrupted: the kernel was interrupted; the run's state was saved.
    """
    networks = {"generator": generator, "discriminator": discriminator, "backbone": backbone}
    given = {name: network for name, network in networks.items() if network is not None}
    content = None if data is None else content_of(data)
    config, typed = _configuration(overrides, content)
    _refuse_commands(config)
    for name, network in given.items():
        OmegaConf.update(config, f"model.{name}", _marker(name, network), merge=False, force_add=True)
    if content is not None:
        keep(content, config)
    folder = new_run(config, typed, "train", run_dir)
    train_stage(config, folder, networks=given)
    return Run(RunDir.open(folder), networks=given, extensions=tuple(config.extensions))


def _configuration(overrides: tuple[Any, ...], content: Content | None) -> tuple[DictConfig, list[str]]:
    """The configuration that is asked for, with `content` as its data, and the overrides; a copy of one that was given."""
    if any(isinstance(each, DictConfig) for each in overrides):
        if len(overrides) > 1:
            raise ConfigError(
                "a whole configuration was given with something else: put the overrides into sparring.compose."
            )
        config: DictConfig = copy.deepcopy(overrides[0])
        if content is not None:
            put_into(config, content)
        return config, []
    typed = flat(overrides)
    if content is None:
        return checked("train", typed), typed
    chosen = [item for item in typed if item.partition("=")[0] == "data"]
    if chosen:
        raise ConfigError(
            f"data= was given as an object and {chosen[0]} names another data set: leave one of them out."
        )
    typed = [*data_overrides(content), *typed]
    return checked("train", typed), typed


def _marker(name: str, network: object) -> Mapping[str, str]:
    """What the run directory says of a network that only Python can rebuild."""
    if not isinstance(network, nn.Module):
        raise ConfigError(f"{name} is of the type {type(network).__name__}; give a torch.nn.Module.")
    if any(is_lazy(parameter) for parameter in network.parameters()):
        raise ConfigError(
            f"{name}={type(network).__name__} has lazy layers without weights: call it once on images first."
        )
    return {GIVEN: class_name(network), "initial_weights": weights.content_hash(network.state_dict())}


def _refuse_commands(config: DictConfig) -> None:
    """What only a command can do. Raises ConfigError."""
    if config.resume:
        raise ConfigError(
            f"resume={config.resume} goes on with a run on the command line: python train.py resume={config.resume}."
        )
    devices = world_size(TrainerSettings.of(config.trainer))
    if devices > 1:
        raise ConfigError(
            f"trainer.devices={config.trainer.devices} starts {devices} processes with the command line of this one, which a "
            "notebook does not have: train on one device, or with python train.py."
        )
