"""What a sweeper that searches (hydra/sweeper=optuna) is told of a job: a metric of its result.json."""

import json
import os
from collections.abc import Sequence
from typing import Any

from omegaconf import OmegaConf

from sparring.cli.sweep import JobOutcome
from sparring.core.errors import ConfigError
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
            f"sweep.objective={name} would choose by the test split, which is read once: choose by val/{name[5:]}."
        )


def told(outcome: JobOutcome, sweeper: Any) -> float | None:
    """The objective of a finished job; None of another one, and its exit code where nothing is searched.

    Args:
        sweeper: Hydra's settings of it.

    Raises:
        ConfigError: the job's result has no such metric, or the sweeper looks for the worst.
    """
    name = os.environ.get(OBJECTIVE)
    if not name or outcome.exit_code != 0:
        return None if name else outcome.exit_code
    metrics = json.loads((outcome.job.directory / "result.json").read_text("utf-8"))["metrics"]
    if name not in metrics:
        there = listing([each for each in metrics if not each.startswith("test/")]) or "none to choose by"
        raise ConfigError(f"sweep.objective={name} is no metric of these jobs, which have {there}.")
    better, sought = metrics[name]["direction"], str(OmegaConf.select(sweeper, "direction") or "").lower()
    meant = "maximize" if better == "higher" else "minimize"
    if sought and meant not in sought:
        raise ConfigError(f"{name} is better when it is {better}: add hydra.sweeper.direction={meant}.")
    return float(metrics[name]["value"])
