"""`sparring.train`: the training stage, also with networks and images that were made in Python."""

import copy
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf
from torch import nn
from torch.nn.parameter import is_lazy

from sparring.api.compose import Overrides, checked, flat
from sparring.api.folder import add_overrides, new_run
from sparring.api.images import content_of
from sparring.api.open import open as open_run
from sparring.api.own_data import data_overrides, keep, put_into
from sparring.api.reopen import resumable
from sparring.api.run import Run
from sparring.config.build import Builder
from sparring.config.explain import readable_errors
from sparring.config.values import keys, mismatch
from sparring.core.errors import ConfigError, Interrupted
from sparring.core.program import hint
from sparring.core.wording import listing, near
from sparring.data.arrays import Content
from sparring.model.given import NETWORKS, class_name
from sparring.run import weights
from sparring.run.directory import RunDir
from sparring.run.settings import GIVEN
from sparring.stage.train import train as train_stage
from sparring.training.settings import TrainerSettings
from sparring.training.trainer import world_size

HERE = ("logger", "paths.")  # what a resumed run takes from its caller and never from its file


def train(
    *overrides: Overrides | DictConfig,
    generator: nn.Module | None = None,
    discriminator: nn.Module | None = None,
    backbone: nn.Module | None = None,
    data: Any = None,
    run_dir: str | Path | None = None,
    resume: Run | str | Path | None = None,
) -> Run:
    """Train a GAN or a classifier, and leave a run directory as the command `train` does.

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
        resume: a run to go on with, towards a larger budget such as "trainer.max_steps=2000"; its own settings hold, so that
            nothing else is to be given but networks that it was given, and what a file may not choose: loggers that send
            results away ("logger=wandb") and other places than this computer's ("paths.cache_dir=...").

    Raises:
        ConfigError, DataError, DivergedError, OutOfMemoryError, DiskError: in one sentence each, as on the command line.
        Interrupted: the kernel was interrupted; the run's state was saved.
    """
    networks: dict[str, Any] = {"generator": generator, "discriminator": discriminator, "backbone": backbone}
    given = {name: network for name, network in networks.items() if network is not None}
    if resume is not None:
        if data is not None or run_dir is not None:
            raise ConfigError(
                "resume= goes on in the run's own directory with its own images: leave data= and run_dir= out."
            )
        return _resumed(open_run(resume, **networks), flat(overrides))
    return _started(overrides, given, None if data is None else content_of(data), run_dir)


def _started(
    overrides: tuple[Any, ...], given: dict[str, nn.Module], content: Content | None, run_dir: str | Path | None
) -> Run:
    """A new run."""
    config, typed = _configuration(overrides, content)
    _refuse_commands(config)
    for name, network in given.items():
        _mark(config, name, network)
    if content is not None:
        keep(content, config.data, build=Builder.of(config))
    folder = new_run(config, typed, "train", run_dir)
    run = Run(RunDir.open(folder), networks=given, build=Builder.of(config))
    _fit(config, run)
    return run


def _resumed(run: Run, typed: list[str]) -> Run:
    """Train a run on, with some of its settings changed. Its file chooses neither whose code runs nor where it writes."""
    here = [item for item in typed if item.lstrip("+~").startswith(HERE)]
    config = resumable(RunDir.open(run.path), here)
    config.extensions = list(run.build.extensions)
    with readable_errors():
        changed = [item for item in typed if item not in here]
        changes, known = OmegaConf.from_dotlist(changed), keys(config, hydra=False)
        for key in keys(changes, hydra=False):
            value = OmegaConf.select(changes, key)
            if key not in known:
                raise ConfigError(f"the run has no setting '{key}'{near(key, known) or '.'}")
            if not OmegaConf.is_config(value) and (takes := mismatch(config, key, value)):
                raise ConfigError(f"{takes}.")
        config.merge_with(changes)
    config.resume = str(run.path)
    _refuse_commands(config)
    _fit(config, run)
    add_overrides(run.path, typed)
    return run


def _fit(config: DictConfig, run: Run) -> None:
    """The stage; where it is interrupted, the error says how to go on in Python."""
    try:
        train_stage(config, run.path, networks=run.networks, hints=False)
    except Interrupted as error:
        again = "".join(f", {name}=<the network>" for name in run.networks)
        raise Interrupted(
            f"{run.reason}; go on with: sparring.train(resume='{run.path}'{again})", error.exit_code - 128
        ) from None


def _configuration(overrides: tuple[Any, ...], content: Content | None) -> tuple[DictConfig, list[str] | None]:
    """The configuration that is asked for, with `content` as its data, and the overrides; a copy of one that was given."""
    if any(isinstance(each, DictConfig) for each in overrides):
        if len(overrides) > 1:
            raise ConfigError(
                "a whole configuration was given with something else: put the overrides into sparring.compose."
            )
        config: DictConfig = copy.deepcopy(overrides[0])
        if content is not None:
            put_into(config, content)
        return config, None
    typed = flat(overrides)
    if any(item.partition("=")[0] == "resume" for item in typed):
        raise ConfigError("resume= is no override here: give the run as an argument, sparring.train(resume=<run>).")
    if content is None:
        return checked("train", typed), typed
    chosen = [item for item in typed if item.partition("=")[0] == "data"]
    if chosen:
        raise ConfigError(
            f"data= was given as an object and {chosen[0]} names another data set: leave one of them out."
        )
    typed = [*data_overrides(content), *typed]
    return checked("train", typed), typed


def _mark(config: DictConfig, name: str, network: object) -> None:
    """Say in the settings, and so in the run directory, that only Python can rebuild a network. Raises ConfigError."""
    if name not in config.model:
        known = [each for each in NETWORKS if each in config.model]
        raise ConfigError(
            f"{name}= was given and this model takes a {listing(known)}: choose another, or leave it out."
        )
    if not isinstance(network, nn.Module):
        raise ConfigError(f"{name} is of the type {type(network).__name__}; give a torch.nn.Module.")
    if any(is_lazy(parameter) for parameter in network.parameters()):
        raise ConfigError(
            f"{name}={type(network).__name__} has lazy layers without weights: call it once on images first."
        )
    marker = {GIVEN: class_name(network), "initial_weights": weights.content_hash(network.state_dict())}
    OmegaConf.update(config, f"model.{name}", marker, merge=False)


def _refuse_commands(config: DictConfig) -> None:
    """What only a command can do. Raises ConfigError."""
    devices = world_size(TrainerSettings.of(config.trainer))
    if devices > 1:
        raise ConfigError(
            f"trainer.devices={config.trainer.devices} starts {devices} processes with the command line of this one, which a "
            f"notebook does not have: train on one device, or with {hint('train')}."
        )
