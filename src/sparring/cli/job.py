"""What Hydra calls: once with the configuration of a run, or by a launcher of others once per job of a sweep."""

import atexit
import json
import shutil
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig, OmegaConf

from sparring.cli.started import Started
from sparring.config.compose import compose_all, hydra_at, quoted, rank, register_resolvers, resolve
from sparring.core.atomic import write_atomic

if TYPE_CHECKING:
    from sparring.cli.sweep import JobOutcome

OURS = "process"  # the launcher that starts jobs without any other program
_NO_FILES = "hydra.output_subdir=null"
_SWEEP_DIR = "hydra.sweep.dir="
_OUTCOMES = ".jobs"  # in the folder of a sweep that another launcher runs: a file per job that has ended


class Job(Started):
    """Keeps the stage's error, which Hydra would print in its way.

    In a launcher of others (joblib, submitit) it is called in a process on perhaps another machine, and starts there what
    `hydra/launcher=process` would start here: the command line of one run.
    """

    def __init__(self, verb: str, words: Sequence[str], arguments: Sequence[str]) -> None:
        super().__init__(verb, words, arguments)
        # Hydra takes its name of the program from here.
        self.__module__ = f"sparring.stage.{verb}"
        self.program = sys.argv[0]
        self.error: Exception | None = None

    def __setstate__(self, state: dict[str, Any]) -> None:
        """In a launcher's process, before Hydra reads the configuration there."""
        self.__dict__.update(state)
        sys.argv = [self.program, *self.words, *self.arguments]
        register_resolvers()

    def __call__(self, config: DictConfig) -> Any:
        from hydra.core.hydra_config import HydraConfig
        from hydra.types import RunMode

        from sparring.cli.ending import told
        from sparring.config.prune import prune_overrides

        hydra_config = HydraConfig.get()
        run_dir = Path(hydra_config.runtime.output_dir)
        prune_overrides(config, hydra_config)
        if hydra_config.mode != RunMode.RUN:
            return self._started_here(config, run_dir, hydra_config)
        # Lightning starts its children with this process's command line.
        sys.argv = [sys.argv[0], *self.words, *self.arguments]
        try:
            _freeze(config, run_dir, hydra_config.output_subdir)
            return told(self.verb, config, run_dir)
        except Exception as error:
            self.error = error
            return None

    def _started_here(self, config: DictConfig, directory: Path, hydra_config: Any) -> float | None:
        from sparring.cli.launch import launch_one
        from sparring.cli.objective import told

        resolve(config)
        outcome = launch_one(self, config, directory, hydra_config)
        record = asdict(outcome) | {"job": {**asdict(outcome.job), "directory": str(outcome.job.directory)}}
        folder = Path(str(hydra_config.sweep.dir)).absolute() / _OUTCOMES
        folder.mkdir(parents=True, exist_ok=True)
        write_atomic(folder / f"{outcome.job.number}.json", json.dumps(record).encode())
        return told(outcome, hydra_config.sweeper)

    def collected(self) -> "list[JobOutcome]":
        """What became of the jobs of a sweep, in its order."""
        from sparring.cli.sweep import JobOutcome, SweepJob

        folder = next(
            (item.partition("=")[2].strip("'") for item in self.arguments[::-1] if item.startswith(_SWEEP_DIR)), None
        )
        if self.outcomes or folder is None or _NO_FILES not in self.arguments:
            return self.outcomes
        records = [json.loads(file.read_text("utf-8")) for file in (Path(folder) / _OUTCOMES).glob("*.json")]
        jobs = [SweepJob(**{**each["job"], "directory": Path(each["job"]["directory"])}) for each in records]
        outcomes = [JobOutcome(**{**each, "job": job}) for each, job in zip(records, jobs, strict=True)]
        return sorted(outcomes, key=lambda each: each.job.number)


def through_launcher(verb: str, overrides: Sequence[str], config_dir: Path) -> list[str]:
    """Overrides of Hydra for a sweep that another launcher than ours runs: its folder, and that Hydra writes nothing there.

    A job finds out in its own process whether its run exists already.
    """
    hydra = [item for item in overrides if item.lstrip("+~").startswith(("hydra", "paths."))]
    with hydra_at(config_dir, verb):
        config = compose_all(verb, [item for item in hydra if not item.startswith("hydra.mode")])
        folder = Path(str(OmegaConf.select(config, "hydra.sweep.dir"))).absolute()
        if config.hydra.runtime.choices["hydra/launcher"] == OURS:
            return []
    shutil.rmtree(folder / _OUTCOMES, ignore_errors=True)  # of an earlier sweep in this folder
    parsed = OverridesParser.create().parse_overrides(list(overrides))
    same = [item.key_or_group for item in parsed if not item.is_sweep_override()]  # do not tell the jobs apart
    named = f"hydra.job.config.override_dirname.exclude_keys=[{','.join(map(quoted, same))}]"
    return [f"{_SWEEP_DIR}{quoted(folder)}", _NO_FILES, named]


def _freeze(config: DictConfig, run_dir: Path, subdir: str | None) -> None:
    """Resolve `config` in place, and in the file that Hydra wrote, so that the run can be read without Hydra."""
    from sparring.run.settings import write_settings

    resolve(config)
    if subdir is not None:
        write_settings(run_dir, config, folder=subdir)
    if rank() > 0 and run_dir.name.startswith("sparring_rank"):
        atexit.register(shutil.rmtree, run_dir, ignore_errors=True)
