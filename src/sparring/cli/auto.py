"""`resume=auto`: the same command again goes on with what it left unfinished, or starts anew where there is nothing."""

import hashlib
import json
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hydra.errors import HydraException
from omegaconf.errors import OmegaConfBaseException

from sparring.config.compose import compose, quoted, rank
from sparring.config.plain import plain
from sparring.core.atomic import write_atomic
from sparring.core.errors import CheckpointError, ConfigError
from sparring.core.terminal import say
from sparring.run.lock import is_locked
from sparring.run.requeue import ASKED
from sparring.run.saved import same_settings
from sparring.run.settings import read_settings
from sparring.run.status import RESUME

AUTO = "auto"
UNFINISHED = ("running", "interrupted", "failed")  # a diverged run would diverge again
_PLACES = ("hydra.run.dir=", "dir=")  # typed: the one directory to look at
_PATIENCE = 120.0  # seconds that other processes wait for the first one's choice


def expand_auto(verb: str, overrides: Sequence[str], *, log_dir: Path, config_dir: Path) -> list[str]:
    """`overrides` with the newest unfinished run of the same settings in place of `auto`; without `resume` where there is none.

    The processes that torchrun or srun start all take the choice of the first, which leaves it in a file below `log_dir`.

    Args:
        verb: the command, such as "train".
        overrides: as typed.
        log_dir: the folder that holds train/, study/, ...
        config_dir: of the configuration.

    Raises:
        ConfigError: the newest such run is being written by another process, or the first process's choice cannot be known.
    """
    if not any(_asks(item) for item in overrides):
        return list(overrides)
    os.environ[ASKED] = "1"
    typed = [item for item in overrides if not _asks(item)]
    place = next((item.partition("=")[2].strip("'\"") for item in typed if item.startswith(_PLACES)), None)
    told = _file_of_launch(log_dir)
    if rank() > 0:
        found = _choice_of_the_first(told)
    else:
        try:
            settings = plain(compose(verb, typed, config_dir=config_dir))
        except (HydraException, OmegaConfBaseException):
            return typed  # the checks that follow say what is wrong
        if RESUME not in settings:
            return list(overrides)  # of a verb that cannot go on, as the checks say
        runs = [Path(place).expanduser()] if place else sorted((log_dir / verb).glob("*"), reverse=True)
        found = _first(runs, settings)
        if told is not None:
            told.parent.mkdir(parents=True, exist_ok=True)
            write_atomic(told, str(found or "").encode())
        _say(found, Path(place).expanduser() if place else log_dir / verb)
    if found is None:
        return typed
    return [*(item for item in typed if not item.startswith(_PLACES)), f"{RESUME}={quoted(found)}"]


def _asks(item: str) -> bool:
    key, _, value = item.partition("=")
    return key == RESUME and value.strip("'\"") == AUTO


def _first(runs: Sequence[Path], settings: dict[str, Any]) -> Path | None:
    for run in (each.resolve() for each in runs):
        if state_of(run) not in UNFINISHED or not can_go_on(run) or not _has(run, settings):
            continue
        if is_locked(run):
            raise ConfigError(
                f"resume=auto: {run} has the same settings and is being written by another process; wait for its end, or leave "
                "resume=auto out for a second run."
            )
        return run
    return None


def state_of(run: Path) -> str:
    """What its `status.json` says, such as "finished"; empty where there is none that can be read."""
    try:
        content = json.loads((run / "status.json").read_text("utf-8"))
    except (OSError, ValueError):
        return ""
    return str(content.get("state")) if isinstance(content, dict) else ""


def can_go_on(run: Path) -> bool:
    """A training from its checkpoint; a study from its finished cells, if any."""
    return (run / "cells").is_dir() or any((run / "checkpoints").glob("*.ckpt"))


def _has(run: Path, settings: dict[str, Any]) -> bool:
    try:
        return same_settings(read_settings(run), settings)
    except CheckpointError:
        return False


def _say(found: Path | None, folder: Path) -> None:
    if found is None:
        say(f"resume=auto: no unfinished run with these settings in {folder}; a new one starts.")
    else:
        say(f"resume=auto: goes on with {found}.")


# -- several processes ----------------------------------------------------------------------------------------------------


def _file_of_launch(log_dir: Path) -> Path | None:
    """Where the processes of one start by torchrun or srun meet; None where this process is alone.

    Raises:
        ConfigError: torchrun on several nodes without a name that tells this start from others.
    """
    given = os.environ.get
    if int(given("SLURM_NTASKS", "1")) > 1 and "SLURM_PROCID" in os.environ:
        names = [given(f"SLURM_{name}", "") for name in ("JOB_ID", "STEP_ID", "RESTART_COUNT")]
    elif "TORCHELASTIC_RUN_ID" in os.environ:
        names = [given(f"TORCHELASTIC_{name}", "") for name in ("RUN_ID", "RESTART_COUNT")]
        if given("WORLD_SIZE") == given("LOCAL_WORLD_SIZE"):
            names.append(str(os.getppid()))
        elif names[0] in ("", "none"):
            raise ConfigError(
                "resume=auto on several nodes needs a name of this start: give torchrun --rdzv-id=<name>."
            )
    else:
        return None
    return log_dir / ".auto" / hashlib.sha256(json.dumps(names).encode()).hexdigest()[:16]


def _of_this_start(told: Path) -> bool:
    """Whether the first process has chosen; a start of the same name before this one may have left its choice."""
    if not told.exists():
        return False
    if "TORCHELASTIC_RUN_ID" not in os.environ:
        return True  # SLURM counts its restarts
    try:
        ticks = int(Path(f"/proc/{os.getppid()}/stat").read_text("utf-8").rpartition(")")[2].split()[19])
        boot = next(line for line in Path("/proc/stat").read_text("utf-8").splitlines() if line.startswith("btime"))
    except (OSError, ValueError, IndexError, StopIteration):
        return True  # no such files outside of Linux
    agent_started = int(boot.split()[1]) + ticks / os.sysconf("SC_CLK_TCK")
    return told.stat().st_mtime >= agent_started - 1


def _choice_of_the_first(told: Path | None) -> Path | None:
    if told is None:
        raise ConfigError("resume=auto cannot be shared by these processes: give resume=<run directory>.")
    deadline = time.monotonic() + _PATIENCE
    while not _of_this_start(told):
        if time.monotonic() > deadline:
            raise ConfigError(
                f"resume=auto: the first process did not say within {_PATIENCE:.0f} s in {told} which run goes on; "
                "all processes need the same folder of runs."
            )
        time.sleep(0.1)
    chosen = told.read_text("utf-8")
    return Path(chosen) if chosen else None
