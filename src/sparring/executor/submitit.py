"""`executor=submitit`: every cell a job of SLURM, or with `cluster=local` a process that outlives this program."""

import contextlib
import functools
import os
import shutil
import signal
import subprocess
import types
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from sparring.core.errors import ConfigError
from sparring.executor.base import Detached

_NEEDED = ("sbatch", "srun", "sacct", "scancel")


def _own_name() -> str:
    import submitit

    there = submitit.JobEnvironment()
    number = str(there.job_id)
    return number if there.cluster == "slurm" else f"{number}:{_started(int(number))}"


class Submitit(Detached):
    """Gives calls to submitit, and asks it or the kernel what became of them.

    Args:
        cluster: "slurm", "local", or "auto": slurm where there is one.
        workers, threads, run_dir: see `Detached`; that folder must lie on a file system that all nodes share.
        gpus: of each cell; on this computer the first ones.
        cpus: of each cell.
        minutes: that a cell may take.
        parameters: further ones of SLURM, such as {partition: gpu, mem_gb: 16}, under submitit's names; None: none.

    Raises:
        ConfigError: submitit or SLURM is not there, or a setting is refused.
    """

    own_name = staticmethod(_own_name)

    def __init__(
        self, *, cluster: Literal["auto", "slurm", "local"], workers: int, threads: int, gpus: int, cpus: int, minutes: int,
        parameters: Mapping[str, Any] | None, run_dir: str,
    ) -> None:  # fmt: skip
        try:
            import submitit
            from submitit.local.local import LocalJob
            from submitit.slurm.slurm import SlurmJob
        except ImportError as error:
            raise ConfigError(
                "executor=submitit needs the package submitit: pip install -c constraints.txt -e '.[slurm]'."
            ) from error
        if parameters is not None and not isinstance(parameters, Mapping):
            raise ConfigError(
                f"executor.parameters={parameters} must be a section: write 'executor.parameters={{partition: gpu}}'."
            )
        missing = [name for name in _NEEDED if shutil.which(name) is None]
        if cluster == "auto":
            cluster = "local" if missing else "slurm"
        if cluster not in ("slurm", "local"):
            raise ConfigError(f"executor.cluster={cluster} is unknown; give auto, slurm or local.")
        if cluster == "slurm" and missing:
            raise ConfigError(
                f"executor.cluster=slurm needs {missing[0]}, which this machine does not have: start the study on a login node "
                "of the cluster, or give executor.cluster=local."
            )
        if cluster == "local" and gpus and workers > 1:
            raise ConfigError(
                f"executor.gpus={gpus} with executor.workers={workers} would put every cell on the first GPU of this computer: "
                "give executor=process, which shares them out, or executor.workers=1."
            )
        super().__init__(workers=workers, threads=threads, run_dir=run_dir)
        self._make: Any = SlurmJob if cluster == "slurm" else LocalJob
        self._jobs: dict[str, Any] = {}
        given = {"timeout_min": minutes, "gpus_per_node": gpus, "tasks_per_node": 1, "nodes": 1, "cpus_per_task": cpus}
        prefixed = {
            name if name in ("mem_gb", "name") else f"slurm_{name}": value for name, value in (parameters or {}).items()
        }
        if cluster == "slurm":  # a cell that starts again in its own directory would be refused there
            prefixed["slurm_additional_parameters"] = {"no-requeue": True} | prefixed.get(
                "slurm_additional_parameters", {}
            )
        try:
            self._engine = submitit.AutoExecutor(folder=self._folder / "%j", cluster=cluster)
            self._engine.update_parameters(**given, **prefixed)
        except (NameError, ValueError, TypeError, RuntimeError, AssertionError) as error:
            raise ConfigError(f"submitit refuses the settings of executor: {str(error).splitlines()[0]}.") from error

    def _start(self, fn: Callable[..., Any], *args: Any) -> str:
        with _own_session():
            job = self._engine.submit(fn, *args)
        name = str(job.job_id)
        if self._local:
            name = f"{name}:{_started(int(name))}"
        self._jobs[name] = job
        return name

    @property
    def _local(self) -> bool:
        return bool(self._make.__name__ == "LocalJob")

    def _alive(self, job: str) -> bool:
        if job in self._jobs:
            return not self._jobs[job].done() and self._jobs[job].state != "PREEMPTED"  # it does not come back
        if not self._local:
            self._jobs[job] = self._make(folder=self._folder / "%j", job_id=job)
            return not self._jobs[job].done(force_check=True)
        number, _, start = job.partition(":")
        return number.isdecimal() and _started(int(number)) == start != ""

    def _cancel(self, job: str) -> None:
        if not self._local:
            self._jobs[job].cancel(check=False)
        elif self._alive(job):
            os.kill(int(job.partition(":")[0]), signal.SIGTERM)  # its controller passes it on

    def _log(self, job: str) -> str:
        number = job.partition(":")[0]
        return f"see {self._folder / number / f'{number}_0_log.err'}"


@contextlib.contextmanager
def _own_session() -> Iterator[None]:
    """Inside, submitit's local processes start apart from this program's: Ctrl-C, or a kill of its group, does not reach them."""
    from submitit.local import local

    before = local.subprocess
    local.subprocess = types.SimpleNamespace(Popen=functools.partial(subprocess.Popen, start_new_session=True))
    try:
        yield
    finally:
        local.subprocess = before


def _started(number: int) -> str:
    """What tells a process from a later one of the same number; empty where there is none that runs."""
    try:
        text = Path(f"/proc/{number}/stat").read_text("utf-8").rpartition(")")[2].split()
    except OSError:
        if Path("/proc/self/stat").exists():
            return ""
        try:  # no such files outside of Linux
            os.kill(number, 0)
        except OSError:
            return ""
        return "running"
    return "" if text[0] == "Z" else text[19]
