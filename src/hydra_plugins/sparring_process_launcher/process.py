"""`hydra/launcher=process`: every job of a sweep is a process of its own.

Hydra imports this module at every start, so the work is elsewhere and imported when a sweep starts.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from hydra.core.config_store import ConfigStore
from hydra.core.utils import JobReturn
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig


@dataclass
class ProcessLauncherConf:
    """Settings under `hydra.launcher`."""

    _target_: str = "hydra_plugins.sparring_process_launcher.process.ProcessLauncher"
    n_jobs: int = 1  # jobs at a time
    fail_fast: bool = False  # start no further job after one failed


ConfigStore.instance().store(group="hydra/launcher", name="process", node=ProcessLauncherConf, provider="sparring")


class ProcessLauncher(Launcher):
    """Runs the jobs through `sparring.cli.sweep`; what became of them is left in the task function's `outcomes`."""

    def __init__(self, *, n_jobs: int, fail_fast: bool) -> None:
        self.n_jobs = n_jobs
        self.fail_fast = fail_fast

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Called by Hydra before `launch`."""
        self.hydra_context = hydra_context
        self.task_function = task_function
        self.config = config

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        """Run one batch of jobs. A failed job is no exception: `sparring.cli.main.run` reports it after the sweep."""
        from sparring.cli.launch import launch

        return launch(
            job_overrides,
            first=initial_job_idx,
            config=self.config,
            config_loader=self.hydra_context.config_loader,
            task_function=self.task_function,
            n_jobs=self.n_jobs,
            fail_fast=self.fail_fast,
        )
