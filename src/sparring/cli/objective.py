"""What a sweeper that searches (hydra/sweeper=optuna) is told of a job: a metric of its result.json."""

import json
import math
import os
from collections.abc import Mapping, Sequence
from typing import Any

from omegaconf import OmegaConf

from sparring.cli.sweep import JobOutcome
from sparring.core.errors import ConfigError
from sparring.core.program import hint
from sparring.core.wording import listing

OBJECTIVE = "SPARRING_SWEEP_OBJECTIVE"  # in the environment of the processes that start jobs: name of the metric
_SWEEPER = "hydra/sweeper="
_GRID = "basic"  # Hydra's own, which takes all combinations


def check_objective(overrides: Sequence[str], name: str | None) -> None:
    """Refuse a search that does not know what is good, or that would choose by the test split.

    Args:
        overrides: as typed. name: of the metric; None where none was given.

    Raises:
        ConfigError: in one sentence.
    """
    chosen = [item.partition("=")[2] for item in overrides if item.startswith(_SWEEPER)]
    if chosen and chosen[-1] != _GRID and not name:
        raise ConfigError(
            f"{_SWEEPER}{chosen[-1]} needs to know what is good: add a metric of result.json and its direction, such as "
            "sweep.objective=val/accuracy hydra.sweeper.direction=maximize."
        )
    if name and name.startswith("test/"):
        raise ConfigError(
            f"sweep.objective={name} would choose by the test split, which is read once: choose by val/{name[5:]}{_for_gans()}."
        )
    if name and name.startswith("train/"):
        raise ConfigError(
            f"sweep.objective={name} would choose by what a run makes of the images that it has learned: choose by a metric of "
            f"val/, such as val/accuracy{_for_gans()}."
        )


def told(outcome: JobOutcome, sweeper: Any) -> float | None:
    """The objective of a finished job; None of another one or without a value, its exit code where nothing is searched.

    Args:
        sweeper: Hydra's settings of it.

    Raises:
        ConfigError: the job's result has no such metric, the sweeper looks for the worst, or neither end is the better one.
    """
    name = os.environ.get(OBJECTIVE)
    if not name or outcome.exit_code != 0:
        return None if name else outcome.exit_code
    metrics = json.loads((outcome.job.directory / "result.json").read_text("utf-8"))["metrics"]
    if name not in metrics:
        known = [each for each, found in metrics.items() if _can_choose(each, found)]
        there = listing(known) if known else "none to choose by"
        raise ConfigError(f"sweep.objective={name} is no metric of these jobs, which have {there}{_for_gans()}.")
    if not _can_choose(name, metrics[name]):
        raise ConfigError(
            f"sweep.objective={name} has no better end, as values near those of real images are good: choose by another metric"
            f"{_for_gans()}."
        )
    better, sought = metrics[name]["direction"], str(OmegaConf.select(sweeper, "direction") or "").lower()
    meant = "maximize" if better == "higher" else "minimize"
    if sought and meant not in sought:
        raise ConfigError(f"{name} is better when it is {better}: add hydra.sweeper.direction={meant}.")
    value = metrics[name]["value"]
    return None if value is None or math.isnan(value) else float(value)  # a failed trial: Optuna takes no NaN


def _for_gans() -> str:
    search = hint("study", "study=learning_rate", "study.search=tpe")
    return f"; a GAN has no such metric of val/ and is searched with `{search}`"


def _can_choose(name: str, metric: Mapping[str, Any]) -> bool:
    return not name.startswith(("train/", "test/")) and metric["direction"] in ("higher", "lower")
