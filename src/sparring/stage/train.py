"""The verb `train`: from a config to a trained model in its run directory."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from omegaconf import DictConfig
from torch import nn

from sparring.config.build import NOTHING
from sparring.config.compose import rank
from sparring.core.errors import Interrupted
from sparring.core.signals import Stop
from sparring.run.directory import RunDir
from sparring.trained.runs import Runs
from sparring.training.parts import TrainingParts
from sparring.training.resume import check_settings
from sparring.training.settings import TrainSettings
from sparring.training.trainer import check_trainer, quiet_lightning
from sparring.training.training import Training


def train(
    config: DictConfig, run_dir: Path, *, networks: Mapping[str, nn.Module] = NOTHING, hints: bool = True
) -> dict[str, Any]:
    """Train what `config` describes and leave weights, curves, pictures and a report in `run_dir`.

    Args:
        networks: those that were made in Python, as `trained.runs.build_model` takes them.
        hints: whether to say on stderr what is trained, and which command goes on from here.

    Returns the content of `result.json`; nothing in the further processes of a distributed training.

    Raises:
        ConfigError, DataError, CheckpointError, DivergedError, OutOfMemoryError, DiskError: in one sentence each;
            `status.json` of the run says the same and names the last good checkpoint.
        Interrupted: a signal stopped the run after its state was saved.
    """
    quiet_lightning()
    config.paths.run_dir = str(run_dir)
    settings, runs, first = TrainSettings.of(config), Runs.of(config, networks=networks), rank() == 0
    with _opened(run_dir, resume=settings.resume, first=first) as run:
        training = Training(settings, run, first=first)
        try:
            training.begin()
            if settings.resume:
                check_settings(run, settings.resolved)
            check_trainer(settings)
            training.prepare(TrainingParts.of(settings.resolved, run, runs, logged=first))
            if hints:
                training.announce()
            training.fit()
            return training.conclude(hints=hints)
        except Interrupted:
            raise
        except Stop as error:
            interruption = training.stopped(error.number)
            training.fail(interruption)
            raise interruption from error
        except BaseException as error:
            training.fail(error)
            if isinstance(error, torch.OutOfMemoryError):
                raise training.out_of_memory() from error
            raise


def _opened(run_dir: Path, *, resume: bool, first: bool) -> RunDir:
    """The run's directory, locked for writing; the first process alone owns it."""
    if not first:
        return RunDir(run_dir)
    return RunDir.resume(run_dir) if resume else RunDir.create(run_dir)
