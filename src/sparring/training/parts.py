"""The objects that a training is put together from, built from the sections of the configuration."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import lightning.pytorch as L
import torch

from sparring.callback.checkpoint import Checkpoint
from sparring.callback.finite import Finite
from sparring.callback.guard import Guard
from sparring.callback.progress import ProgressDisplay
from sparring.callback.scalars import Scalars
from sparring.callback.signals import Signals
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
    def of(cls, settings: Mapping[str, Any], run: RunDir, runs: Runs, *, logged: bool) -> "TrainingParts":
        """Everything that the settings describe; nothing is read or written yet.

        Args:
            settings: the whole configuration as plain values.
            runs: earlier runs, what builds the parts, and the networks that were made in Python.
            logged: whether this process writes what the run logs.

        Raises:
            ConfigError: a part refuses its settings, the networks do not fit each other or the data, or a callback that every
                run needs is missing.
        """
        torch.manual_seed(seed_of("weights", settings["seed"]))
        model = build_model(settings, build=runs.build, networks=runs.networks)
        if not isinstance(model, Game):
            raise ConfigError(
                f"model={type(model).__name__} cannot be trained by train.py, expected a sparring.model.game.Game."
            )
        data = runs.build(settings["data"], section="data")
        callbacks = _built(settings, "callback", runs)
        callbacks.sort(key=_place)
        _check_callbacks(callbacks)
        loggers = _loggers(_built(settings, "logger", runs), run) if logged else []
        make_trainer = runs.build(settings["trainer"], section="trainer")
        return cls(model, data, callbacks, loggers, make_trainer, runs)


def _built(settings: Mapping[str, Any], section: str, runs: Runs) -> list[Any]:
    """The parts of a section; one that is null is left out."""
    parts = settings[section].items()
    return [runs.build(part, section=section, key=f"{section}.{name}") for name, part in parts if part]


def _place(callback: L.Callback) -> int:
    """Values are looked at before they are logged and cleared, and a state is saved after what stops a run."""
    if isinstance(callback, Checkpoint | ProgressDisplay):
        return 2
    return -1 if isinstance(callback, Finite) else 0 if isinstance(callback, Guard) else 1


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
