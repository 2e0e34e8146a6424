"""A sweep again in the same folder: what has finished is not run twice, and what was stopped goes on."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from sparring.cli.auto import UNFINISHED, can_go_on, state_of
from sparring.cli.objective import OBJECTIVE, check_objective
from sparring.cli.started import Started
from sparring.cli.sweep import JobOutcome
from sparring.config.compose import quoted
from sparring.core.errors import CheckpointError, ConfigError
from sparring.core.program import hint, shown
from sparring.core.wording import near
from sparring.run.lock import is_locked
from sparring.run.saved import same_settings
from sparring.run.settings import read_settings
from sparring.run.status import RESUME

SKIP = "SPARRING_SKIP_FINISHED"  # in the environment of the processes that start jobs, wherever a launcher starts them
_KEYS = ("dir", "skip_finished", "objective")


def expand_sweep(overrides: Sequence[str], *, sweep: bool) -> list[str]:
    """`overrides` with `sweep.dir=` as Hydra's setting; the other settings of a sweep are left in the environment.

    Args:
        overrides: as typed.
        sweep: whether the command runs several jobs.

    Raises:
        ConfigError: without `-m`, another name, or a value that is neither true nor false.
    """
    result, objective = [], None
    for item in overrides:
        key, _, value = item.partition("=")
        if key == "sweep":
            raise ConfigError(
                f"{item}: settings of a sweep are sweep.dir=<folder>, sweep.skip_finished=false and sweep.objective=<metric>."
            )
        if not key.startswith("sweep."):
            result.append(item)
            continue
        name, value = key.removeprefix("sweep."), value.strip("'\"")
        if name not in _KEYS:
            raise ConfigError(f"there is no setting '{key}'{near(key, [f'sweep.{each}' for each in _KEYS])}")
        if not sweep:
            raise ConfigError(f"{item} is about a sweep: add -m, or leave it out.")
        if name == "dir":
            result.append(f"hydra.sweep.dir={quoted(Path(value).expanduser().absolute())}")
        elif name == "objective":
            objective = os.environ[OBJECTIVE] = value
        elif value.lower() in ("true", "false"):
            os.environ[SKIP] = value.lower()
        else:
            raise ConfigError(f"{item} takes true or false.")
    check_objective(result, objective)
    return result


@dataclass(frozen=True)
class Place:
    """Where a job of a sweep runs.

    Args:
        directory: its run directory.
        state: "new"; "finished" or "unfinished" before; "busy" while another process writes it.
    """

    directory: Path
    state: Literal["new", "finished", "unfinished", "busy"]


class Earlier:
    """The runs that a sweep's folder holds already; they are matched by their settings, whatever their number was."""

    def __init__(self, sweep_dir: Path) -> None:
        self._on = os.environ.get(SKIP) != "false"
        self._taken: set[Path] = set()
        runs = sorted(file.parent for file in sweep_dir.glob("*/status.json"))
        self._runs = {run: settings for run in runs if (settings := _settings(run)) is not None} if self._on else {}

    def place(self, directory: Path, settings: Callable[[], Mapping[str, Any]]) -> Place:
        """Where a job belongs.

        Args:
            directory: the job's own, if it is new.
            settings: composes those of the job.
        """
        if self._runs:
            wanted = settings()
            same = [run for run, saved in self._runs.items() if run not in self._taken and same_settings(saved, wanted)]
            for run in sorted(same, key=lambda each: (state_of(each) != "finished", each != directory)):
                if (place := _place(run, wanted)) is not None:
                    self._taken.add(run)
                    return place
        free, number = directory, 1
        while (free / "status.json").exists():  # a new run never writes into another one
            number += 1
            free = directory.with_name(f"{directory.name}_{number}")
        return Place(free, "new")


def _place(run: Path, settings: Mapping[str, Any]) -> Place | None:
    """What becomes of a run with the settings of a job; None if the job has to start anew."""
    state = state_of(run)
    if state == "finished":
        return Place(run, "finished")
    if state in UNFINISHED and is_locked(run):
        return Place(run, "busy")
    return Place(run, "unfinished") if state in UNFINISHED and RESUME in settings and can_go_on(run) else None


def _settings(run: Path) -> dict[str, Any] | None:
    try:
        return read_settings(run)
    except CheckpointError:
        return None


def repeated(started: Started, outcomes: Sequence[JobOutcome]) -> str:
    """The command that runs what a sweep has not finished; empty where there is nothing left."""
    if all(outcome.exit_code == 0 for outcome in outcomes):
        return ""
    typed = [
        item
        for item in started.arguments
        if not item.startswith(("hydra.sweep.dir=", "hydra.output_subdir=", "hydra.job.config."))
    ]
    folder = Path(os.path.commonpath([outcome.job.directory.parent for outcome in outcomes]))
    return hint(started.verb, *typed, f"sweep.dir={shown(folder)}")
