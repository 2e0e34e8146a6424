"""From a batch of Hydra's sweep to command lines and directories, one of each per job."""

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hydra.core.config_loader import ConfigLoader
from hydra.core.hydra_config import HydraConfig
from hydra.core.utils import JobReturn, JobStatus
from omegaconf import DictConfig, OmegaConf, open_dict, read_write

from sparring.cli.again import Earlier, Place
from sparring.cli.flags import flags, parse
from sparring.cli.objective import told
from sparring.cli.started import Started
from sparring.cli.sweep import JobOutcome, SweepJob, run_jobs
from sparring.config.compose import quoted, resolved
from sparring.config.plain import plain
from sparring.config.prune import prune_overrides
from sparring.core.errors import ConfigError
from sparring.core.program import restart
from sparring.run.requeue import ASKED

# Overrides of Hydra that steer the sweep; in a job they would start it again.
_OF_THE_SWEEP = ("mode", "sweep", "sweeper", "launcher", "run.dir", "job.num", "job.id", "job.config", "output_subdir")

# What one process of a distributed or logged run leaves in the environment, and another run must not find.
_OF_ONE_RUN = (
    "LOCAL_RANK", "RANK", "NODE_RANK", "GROUP_RANK", "ROLE_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "GROUP_WORLD_SIZE",
    "MASTER_ADDR", "MASTER_PORT", "PL_GLOBAL_SEED", "PL_SEED_WORKERS", "WANDB_RUN_ID", "WANDB_RESUME", "WANDB_NAME",
    "HYDRA_FULL_ERROR", ASKED,
)  # fmt: skip


def launch(
    job_overrides: Sequence[Sequence[str]],
    *,
    first: int,
    config: DictConfig,
    config_loader: ConfigLoader,
    task_function: Any,
    n_jobs: int,
    fail_fast: bool,
) -> list[JobReturn]:
    """Run every list of overrides as a command of its own, started as this one was, in a directory below the sweep's.

    Args:
        first: number of the batch's first job.
        task_function: of the sweeping process; gets the outcomes.

    Raises:
        ConfigError: the program is not one of sparring's, or `n_jobs` is below 1.
    """
    if not isinstance(task_function, Started):
        raise ConfigError("hydra/launcher=process runs the command lines of sparring only.")
    if n_jobs < 1:
        raise ConfigError(f"hydra.launcher.n_jobs={n_jobs}: at least one job at a time is needed.")
    HydraConfig.instance().set_config(config)
    sweep_dir = Path(str(config.hydra.sweep.dir)).absolute()
    names, earlier = _short_names(job_overrides), Earlier(sweep_dir)
    jobs = []
    for number, (overrides, name) in enumerate(zip(job_overrides, names, strict=True), start=first):
        job_config = _job_config(config, config_loader, overrides, number, name)
        directory = sweep_dir / str(OmegaConf.select(job_config, "hydra.sweep.subdir"))
        place = earlier.place(directory, lambda: _settings(job_config, directory))  # noqa: B023 - called at once
        jobs.append(_job(task_function, number, overrides, config.hydra, place, gpus_of(job_config)))
    environment = _environment(sweep_dir)
    outcomes = run_jobs(jobs, environment=environment, n_jobs=n_jobs, fail_fast=fail_fast)
    task_function.outcomes += outcomes
    return [_job_return(outcome.job.overrides, told(outcome, config.hydra.sweeper)) for outcome in outcomes]


def launch_one(started: Started, config: DictConfig, directory: Path, hydra: DictConfig) -> JobOutcome:
    """Run one job in a process that another launcher has started for it, perhaps on another machine.

    Args:
        started: the command of the sweep.
        config: of the job, resolved.
        directory: the job's own; removed where its run is in another one.
        hydra: settings of Hydra for this job.
    """
    place = Earlier(directory.parent).place(directory, lambda: plain(config))
    if place.directory != directory:
        with contextlib.suppress(OSError):  # Hydra made it; a folder that is not empty stays
            directory.rmdir()
    job = _job(started, int(hydra.job.num), list(hydra.overrides.task), hydra, place, gpus_of(config))
    environment = _environment(directory.parent) | {ASKED: "1"}  # this function is called again, and goes on
    (outcome,) = run_jobs([job], environment=environment, n_jobs=1, fail_fast=False)
    return outcome


def _job(
    started: Started, number: int, overrides: Sequence[str], hydra: DictConfig, place: Place, gpus: int | None
) -> SweepJob:
    command = [*_command(started), *overrides, *_hydra_overrides(hydra)]
    command += [f"{'resume' if place.state == 'unfinished' else 'hydra.run.dir'}={quoted(place.directory)}"]
    command += ["hydra.mode=RUN", f"hydra.job.num={number}", f"hydra.job.id='{number}'"]
    return SweepJob(number, tuple(overrides), tuple(command), place.directory, gpus, before=place.state)


def _settings(job_config: DictConfig, directory: Path) -> dict[str, Any]:
    """What the job will write down as its settings."""
    prune_overrides(job_config, job_config.hydra)
    with read_write(job_config.hydra.runtime), open_dict(job_config.hydra.runtime):
        job_config.hydra.runtime.output_dir = str(directory)
    HydraConfig.instance().set_config(job_config)
    return plain(resolved(job_config))


def _short_names(job_overrides: Sequence[Sequence[str]]) -> list[str]:
    """Of each job the overrides in which it differs from others."""
    common = set.intersection(*map(set, job_overrides)) if len(job_overrides) > 1 else set()
    return [",".join(item for item in overrides if item not in common) for overrides in job_overrides]


def gpus_of(job_config: DictConfig) -> int | None:
    """GPUs that a job may be confined to: those that it asks for by number. None where it names them or takes all."""
    if "trainer" not in job_config:
        return 1 if OmegaConf.select(job_config, "device") in ("auto", "cuda") else None
    devices = OmegaConf.select(job_config, "trainer.devices")
    return devices if isinstance(devices, int) and devices > 0 else None


def _job_config(
    config: DictConfig, loader: ConfigLoader, overrides: Sequence[str], number: int, name: str
) -> DictConfig:
    job_config = loader.load_sweep_config(config, list(overrides))
    with open_dict(job_config):
        job_config.hydra.job.num = number
        job_config.hydra.job.id = str(number)
        job_config.hydra.job.override_dirname = name
    HydraConfig.instance().set_config(job_config)
    return job_config


def _command(started: Started) -> list[str]:
    """The program and its flags, as this process was started, without those of the sweep."""
    arguments = parse(started.arguments)
    arguments.multirun = False
    return restart(*started.words, *flags(arguments))


def _hydra_overrides(hydra: DictConfig) -> list[str]:
    """Hydra's overrides that also hold for a job, such as hydra.verbose=true."""

    def steers_the_sweep(item: str) -> bool:
        key = item.lstrip("+~").partition("=")[0].replace("/", ".").removeprefix("hydra.")
        return any(key == name or key.startswith(f"{name}.") for name in _OF_THE_SWEEP)

    return [item for item in hydra.overrides.hydra if not steers_the_sweep(item)]


def _environment(sweep_dir: Path) -> dict[str, str]:
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in _OF_ONE_RUN and not name.startswith("TORCHELASTIC_")
    }
    environment.setdefault("WANDB_RUN_GROUP", sweep_dir.name)  # one group of runs in W&B
    return environment


def _job_return(overrides: Sequence[str], value: float | None) -> JobReturn:
    answer = JobReturn(overrides=overrides, status=JobStatus.COMPLETED)
    answer.return_value = value
    return answer
