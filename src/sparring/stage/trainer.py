"""Lightning's Trainer from the configuration: one budget, one strategy, nothing that it would do behind our back."""

import logging
import warnings
from collections.abc import Sequence
from typing import Any

import lightning.pytorch as L
import torch
from lightning.fabric.utilities.exceptions import MisconfigurationException
from omegaconf import DictConfig, OmegaConf

from sparring.build import build
from sparring.checkpoint import VerifiedCheckpointIO
from sparring.errors import ConfigError
from sparring.run_dir import RunDir
from sparring.strategy import PlayerStrategy


def build_trainer(
    config: DictConfig, run: RunDir, budget: int, loggers: list[Any], *, extensions: Sequence[str]
) -> L.Trainer:
    """A Trainer for `budget` iterations on the devices asked for.

    Raises:
        ConfigError: the batch cannot be split evenly, or Lightning refuses the settings.
    """
    world = device_count(config.trainer) * config.trainer.num_nodes
    _check_split(config, world)
    callbacks = [build(node, extensions=extensions) for node in config.callback.values()]
    make = build(config.trainer, extensions=extensions)
    try:
        return make(
            max_steps=budget, max_epochs=-1,
            strategy=PlayerStrategy() if world > 1 else "auto",
            plugins=[VerifiedCheckpointIO()], callbacks=callbacks, logger=loggers or False,
            default_root_dir=str(run.path), enable_checkpointing=False, enable_progress_bar=False,
            enable_model_summary=False, num_sanity_val_steps=0, use_distributed_sampler=False,
        )  # fmt: skip
    except (MisconfigurationException, ValueError, TypeError) as error:
        raise ConfigError(f"the trainer's settings do not work here: {error}") from error


def iterations(config: DictConfig, per_epoch: int) -> int:
    """The run's budget in iterations.

    Raises:
        ConfigError: it is none.
    """
    trainer = config.trainer
    budget = trainer.max_steps if trainer.max_epochs is None else trainer.max_epochs * per_epoch
    if budget is None or budget < 1:
        raise ConfigError(
            f"trainer.max_steps={trainer.max_steps} and trainer.max_epochs={trainer.max_epochs} give no iterations to train; "
            "set trainer.max_steps to 1 or more."
        )
    return int(budget)


def device_count(trainer: DictConfig) -> int:
    """Devices per node that the trainer's settings ask for.

    Raises:
        ConfigError: `trainer.devices` is neither a positive number, a list of indices, -1 nor auto.
    """
    devices = trainer.devices
    if isinstance(devices, int) and devices > 0:
        return devices
    if OmegaConf.is_list(devices) and len(devices) > 0:
        return len(devices)
    if devices in ("auto", -1):
        on_gpu = trainer.accelerator in ("auto", "gpu", "cuda") and torch.cuda.is_available()
        return torch.cuda.device_count() if on_gpu else 1
    raise ConfigError(
        f"trainer.devices={devices} is not a number of devices; give 1 or more, a list such as [0,1], or auto."
    )


def quiet_lightning() -> None:
    """Lightning greets every Trainer with hardware tables and adverts; warnings that a user can act on stay."""
    for name in ("lightning.pytorch.utilities.rank_zero", "lightning.pytorch.accelerators.cuda", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.WARNING)
    for pattern in (
        ".*does not have many workers.*",
        ".*ended before the epoch ended.*",  # our stream resumes where it was
        ".*in eval mode at the start of training.*",  # the averaged generator
        ".*LeafSpec.*",
        ".*Trying to infer the `batch_size`.*",
    ):
        warnings.filterwarnings("ignore", message=pattern)


def _check_split(config: DictConfig, world: int) -> None:
    rows, parts = config.data.batch_size, world * config.model.accumulate
    if rows % parts:
        raise ConfigError(
            f"data.batch_size={rows} is the batch of all devices and cannot be split evenly into {world} device(s) x "
            f"model.accumulate={config.model.accumulate}; choose a multiple of {parts}."
        )
