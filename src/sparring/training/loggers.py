"""The loggers of a training: what they are told before it, and after it."""

from collections.abc import Mapping, Sequence
from typing import Any

from omegaconf import DictConfig, OmegaConf

from sparring.report.logged import log_used
from sparring.report.outcome import summary
from sparring.run.directory import RunDir
from sparring.training.parts import TrainingParts


def start_loggers(parts: TrainingParts, settings: Mapping[str, Any], saved: Mapping[str, Any] | None) -> None:
    """Tell all where to go on and the settings; W&B also the networks to watch and the earlier runs that are read.

    Args:
        settings: of the run, resolved.
        saved: the state that the training goes on from, if any.
    """
    for logger in parts.loggers:
        if saved is not None:
            logger.continue_after(saved["clock"]["iteration"], saved["logger_runs"].get(logger.name))
        logger.log_hyperparams(settings)
        if hasattr(logger, "watch"):
            logger.watch({player: getattr(parts.model, player) for player in parts.model.factories})
    config = OmegaConf.create(dict(settings))
    assert isinstance(config, DictConfig)
    log_used(parts.loggers, config)


def close_loggers(loggers: Sequence[Any], result: Mapping[str, Any], run: RunDir) -> None:
    """Give the figures and files of the end to loggers that have a place for them (W&B), and close all."""
    for logger in loggers:
        logger.keep_open = False
        if hasattr(logger, "log_summary"):
            logger.log_summary(summary(result))
            logger.log_artifacts(run.path)
        logger.finalize("success")
