"""What a stage leaves on record of itself: the settings it ran with, and in `status.json` what became of it."""

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from omegaconf import OmegaConf

from sparring.core.atomic import write_atomic
from sparring.core.errors import DivergedError, Interrupted, OutOfMemoryError, SparringError, is_out_of_memory
from sparring.core.signals import Stop, held, name_of, stop_number
from sparring.run.directory import RunDir, State
from sparring.run.search import is_run
from sparring.run.settings import write_settings

RESUME = "resume"  # the setting that names a run to go on with


@contextlib.contextmanager
def recorded(run_dir: Path) -> Iterator[RunDir]:
    """A new run directory for a stage that is whole or nothing; an error inside ends in `status.json`, and is raised.

    The stage writes "finished" itself, which it alone can put into words.

    Raises:
        CheckpointError: `run_dir` holds a run already. DiskError.
        Interrupted: a signal stopped the stage.
    """
    with RunDir.create(run_dir) as run:
        try:
            run.write_status("running", "", None, {}, None)
            yield run
        except BaseException as error:
            state, code = ended_with(error)
            told: BaseException = error
            if number := stop_number(error):
                told = Interrupted(f"stopped by {name_of(number)} before it had finished; start it again", number)
            with held(), contextlib.suppress(Exception):  # never hide the error itself
                run.write_status(state, reason_of(told), code, {}, None)
            if isinstance(error, Stop):
                raise told from error
            raise


def record_config(run_dir: Path, settings: Mapping[str, Any]) -> None:
    """Write the settings of a run where Hydra does on the command line: a run directory is read back through them.

    Args:
        settings: resolved, as plain values.

    Raises:
        DiskError: they could not be written.
    """
    if not is_run(run_dir):
        write_settings(run_dir, settings)


def ended_with(error: BaseException) -> tuple[State, int]:
    """State and exit code that an error ends a run with."""
    if isinstance(error, DivergedError):
        return "diverged", error.exit_code
    if number := stop_number(error):
        return "interrupted", 128 + number
    if isinstance(error, Interrupted):
        return "interrupted", error.exit_code
    if is_out_of_memory(error):
        return "failed", OutOfMemoryError.exit_code
    return "failed", error.exit_code if isinstance(error, SparringError) else 1


def reason_of(error: BaseException) -> str:
    """The sentence of an error that is meant for people; kind and message of any other."""
    return str(error) if isinstance(error, SparringError) else f"{type(error).__name__}: {error}"


def remember(run_dir: Path, settings: Mapping[str, Any]) -> None:
    """Make the settings of an accepted resume those of the run: without a new budget the next one goes on towards this.

    On the command line also its overrides. For a stage to call, on rank 0, once it knows that the run can go on under `settings`.

    Raises:
        DiskError: they could not be written.
    """
    write_settings(run_dir, {**settings, RESUME: None})
    if not HydraConfig.initialized():
        return
    typed = [item for item in HydraConfig.get().overrides.task if item.partition("=")[0] != RESUME]
    write_atomic(run_dir / ".hydra" / "overrides.yaml", OmegaConf.to_yaml(OmegaConf.create(typed)).encode())
