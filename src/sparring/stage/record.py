"""What a stage leaves on record of itself: the settings it ran with, and in `status.json` what became of it."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import torch
from omegaconf import DictConfig, OmegaConf

from sparring.errors import DivergedError, OutOfMemoryError, SparringError
from sparring.run_dir import RunDir, State, write_atomic


@contextlib.contextmanager
def recorded(run_dir: Path) -> Iterator[RunDir]:
    """A new run directory for a stage that is whole or nothing; an error inside ends in `status.json`, and is raised.

    The stage writes "finished" itself, which it alone can put into words.

    Raises:
        CheckpointError: `run_dir` holds a run already. DiskError.
    """
    with RunDir.create(run_dir) as run:
        run.write_status("running", "", None, {}, None)
        try:
            yield run
        except BaseException as error:
            state, code = outcome(error)
            reason = "stopped by the user; nothing was kept" if state == "interrupted" else explained(error)
            with contextlib.suppress(Exception):  # never hide the error itself
                run.write_status(state, reason, code, {}, None)
            raise


def record_config(config: DictConfig, run_dir: Path) -> None:
    """What Hydra does on the command line: a run directory is read back through its settings."""
    file = run_dir / ".hydra" / "config.yaml"
    if not file.exists():
        file.parent.mkdir(exist_ok=True)
        write_atomic(file, OmegaConf.to_yaml(config, resolve=True).encode())


def outcome(error: BaseException) -> tuple[State, int]:
    """State and exit code that an error ends a run with."""
    if isinstance(error, DivergedError):
        return "diverged", error.exit_code
    if isinstance(error, KeyboardInterrupt):
        return "interrupted", 130
    if isinstance(error, torch.OutOfMemoryError | MemoryError) or "can't allocate memory" in str(error):
        return "failed", OutOfMemoryError.exit_code
    return "failed", error.exit_code if isinstance(error, SparringError) else 1


def explained(error: BaseException) -> str:
    """The sentence of an error that is meant for people; kind and message of any other."""
    return str(error) if isinstance(error, SparringError) else f"{type(error).__name__}: {error}"
