"""The objects that a training is put together from, built from the sections of the configuration."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import lightning.pytorch as L
import torch
from omegaconf import DictConfig
from torch import nn

from sparring.callback.checkpoint import Checkpoint
from sparring.callback.progress import ProgressDisplay
from sparring.callback.scalars import Scalars
from sparring.callback.signals import Signals
from sparring.config.build import NOTHING, build
from sparring.core.errors import ConfigError
from sparring.core.randomness import seed_of
from sparring.data.module.image_data import ImageData
from sparring.logger.csv import CSVLogger
from sparring.model.game import Game
from sparring.run.directory import RunDir
from sparring.trained.runs import Runs, build_model

NEEDED: tuple[type[L.Callback], ...] = (Scalars, Signals, Checkpoint)


@dataclass(frozen=True)
class TrainingParts:
    """What is trained, on what, and what watches it.

    Args:
        model: with the weights that it starts from.
        data: not opened yet.
        callbacks: in the order in which Lightning calls them.
        loggers: `metrics.csv` is among them; none where another process logs.
        make_trainer: Lightning's Trainer, which takes further arguments.
        runs: earlier runs that the model or the data may refer to.
    """

    model: Game
    data: ImageData
    callbacks: list[L.Callback]
    loggers: list[Any]
    make_trainer: Callable[..., L.Trainer]
    runs: Runs

    @classmethod
    def of(
        cls, config: DictConfig, run: RunDir, *, logged: bool, networks: Mapping[str, nn.Module] = NOTHING
    ) -> "TrainingParts":
        """Everything that `config` describes; nothing is read or written yet.

        Args:
            logged: whether this process writes what the run logs.
            networks: those that were made in Python, as `trained.runs.build_model` takes them.

        Raises:
            ConfigError: a part refuses its settings, the networks do not fit each other or the data, or a callback that every
                run needs is missing.
        """
        runs = Runs.of(config)
        torch.manual_seed(seed_of("weights", config.seed))
        model = build_model(config, extensions=runs.extensions, networks=networks)
        if not isinstance(model, Game):
            raise ConfigError(
                f"model={type(model).__name__} cannot be trained by train.py, expected a sparring.model.game.Game."
            )
        data = build(config.data, section="data", extensions=runs.extensions)
        callbacks = _built(config.callback, "callback", runs)
        callbacks.sort(
            key=lambda callback: isinstance(callback, Checkpoint | ProgressDisplay)
        )  # after what stops a run
        _check_callbacks(callbacks)
        loggers = _loggers(_built(config.logger, "logger", runs), run) if logged else []
        make_trainer = build(config.trainer, section="trainer", extensions=runs.extensions)
        return cls(model, data, callbacks, loggers, make_trainer, runs)


def _built(nodes: DictConfig, section: str, runs: Runs) -> list[Any]:
    """The parts of a section; one that is null is left out."""
    return [build(node, section=section, extensions=runs.extensions) for node in nodes.values() if node]


def _check_callbacks(callbacks: list[L.Callback]) -> None:
    for kind in NEEDED:
        if not any(isinstance(callback, kind) for callback in callbacks):
            raise ConfigError(
                f"callback has no {kind.__name__.lower()}, which every run needs; start from callback=default."
            )


def _loggers(configured: list[Any], run: RunDir) -> list[Any]:
    """`metrics.csv` is always written."""
    if any(isinstance(each, CSVLogger) for each in configured):
        return configured
    return [CSVLogger(path=run.metrics_csv), *configured]
