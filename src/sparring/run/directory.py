"""The run directory: what a stage leaves behind, and the only thing that stages exchange.

- `.hydra/{config,overrides,hydra}.yaml`: written by Hydra before the stage starts
- `status.json`, `.lock`: what became of the run, who is writing it
- `checkpoints/{last,previous}.ckpt`: to go on with training (checkpoint.py)
- `weights.safetensors`: to use the networks (weights.py); `weights_best.safetensors` where quality or robust accuracy was
  measured, and with callback.quality.keep_weights: `checkpoints/quality_<iteration>.safetensors`
- `metrics.csv`, `images/`, `result.json`, `report.html`: to look at
"""

import os
import socket
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from sparring.core.atomic import disk_error, sweep, write_atomic
from sparring.core.errors import CheckpointError, ConfigError, DiskError
from sparring.run.environment import config_hash, environment
from sparring.run.lock import RunLock, is_locked
from sparring.run.record import read_record, record_text, write_record
from sparring.run.schema import SCHEMA_VERSION, check_run
from sparring.run.search import is_run, why_no_run
from sparring.run.settings import read_overrides, read_settings

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["SCHEMA_VERSION", "RunDir", "State", "config_hash", "environment", "write_atomic"]

State = Literal["running", "finished", "interrupted", "failed", "diverged"]


class RunDir:
    """One run's files. `create` and `resume` hold the run's lock until `close`; `open` only reads."""

    def __init__(self, path: Path, lock: RunLock | None = None) -> None:
        """Use `create`, `open` or `resume` instead."""
        self.path = path
        self.checkpoints = path / "checkpoints"
        self.images = path / "images"
        self.metrics_csv = path / "metrics.csv"
        self.weights = path / "weights.safetensors"
        self.best_weights = path / "weights_best.safetensors"
        self.report = path / "report.html"
        self._lock = lock

    @classmethod
    def create(cls, path: str | os.PathLike[str]) -> Self:
        """Start a new run in `path`, which may hold Hydra's files but no earlier run.

        Raises:
            CheckpointError: when `path` already holds a run, or another process is writing it.
            DiskError: when the folder cannot be made.
        """
        folder = Path(path).absolute()
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise disk_error(folder, error) from error
        run = cls(folder, RunLock(folder))
        try:
            status = run.status()
            if status is not None:
                raise CheckpointError(
                    f"{folder} already holds a run ({status['state']}) and a new run never writes into another one; "
                    f"continue it with resume={folder}, or choose another directory."
                )
            run._prepare()
        except BaseException:
            run.close()
            raise
        return run

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> Self:
        """Open a run for reading; it may be running in another process.

        Raises:
            CheckpointError: when `path` does not exist, is no run directory, or one of another schema version.
        """
        folder = Path(path).absolute()
        if not is_run(folder):
            raise CheckpointError(why_no_run(folder))
        check_run(folder)
        return cls(folder)

    @classmethod
    def resume(cls, path: str | os.PathLike[str]) -> Self:
        """Open a run to go on writing it.

        Raises:
            CheckpointError: when `path` is no run directory, one of another schema version, or another process is writing it.
        """
        run = cls.open(path)
        run._lock = RunLock(run.path)
        try:
            run._prepare()
        except BaseException:
            run.close()
            raise
        return run

    def _prepare(self) -> None:
        for folder in (self.path, self.checkpoints, self.images):
            try:
                folder.mkdir(exist_ok=True)
                sweep(folder)
            except OSError as error:
                raise disk_error(folder, error) from error

    def close(self) -> None:
        """Release the lock; calling it twice is fine."""
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def is_being_written(self) -> bool:
        """Whether some process holds the run's lock: a `running` status without a lock is a run that was killed."""
        return is_locked(self.path)

    @property
    def config(self) -> dict[str, Any]:
        """The run's own settings as plain values, with `paths.run_dir` pointing to where the directory is.

        Raises:
            CheckpointError: the file cannot be read or refers to settings that do not exist.
        """
        return read_settings(self.path)

    @property
    def overrides(self) -> list[str]:
        """What was typed on the command line of the run."""
        return read_overrides(self.path)

    def write_status(
        self, state: State, reason: str, exit_code: int | None, clock: dict[str, int], checkpoint: str | None
    ) -> None:
        """Say in `status.json` what became of the run and from which checkpoint it can go on.

        Args:
            reason: a sentence for people.
            exit_code: of the process; None while it runs.
            clock: iteration and images_seen; empty for a verb without a clock.
            checkpoint: path from the run directory, or None.

        Raises:
            DiskError: it could not be written.
        """
        content = {
            "state": state, "reason": reason, "exit_code": exit_code, "clock": clock,
            "checkpoint": checkpoint, "pid": os.getpid(), "host": socket.gethostname(),
            "time": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        }  # fmt: skip
        file = self.path / "status.json"
        try:
            write_record(file, content)
        except DiskError:
            # A full disk has no room for a second file, but this one has its block: better a short moment without the old
            # text than a dead run that says it is running.
            if not file.exists():
                raise
            file.write_text(record_text(content))

    def status(self) -> dict[str, Any] | None:
        """The content of `status.json`, or None before the run has written one."""
        file = self.path / "status.json"
        return read_record(file) if file.exists() else None

    def write_result(self, result: dict[str, Any]) -> None:
        """Write `result.json`: plain values; `schema_version` is added, numbers that are not finite become null."""
        write_record(self.path / "result.json", result)

    def result(self) -> dict[str, Any]:
        """The content of `result.json`.

        Raises:
            CheckpointError: when there is none, or one of another schema version.
        """
        file = self.path / "result.json"
        if not file.exists():
            raise CheckpointError(f"{self.path} has no result.json (it did not finish); continue it with resume=.")
        return read_record(file)

    def save_weights(self, tensors: "dict[str, Tensor]", metadata: dict[str, str], *, file: Path | None = None) -> None:
        """Write `weights.safetensors`, or `file` (see `sparring.run.weights`).

        Raises:
            DiskError: it could not be written.
        """
        from sparring.run import weights

        weights.save(file or self.weights, tensors, metadata)

    def load_weights(self) -> "dict[str, Tensor]":
        """The tensors of `weights.safetensors` on the CPU, checked against the stored hash.

        Raises:
            CheckpointError: the file is missing, damaged, or of another schema version.
        """
        from sparring.run import weights

        return weights.load(self.weights)

    def weights_file(self, checkpoint: str | int) -> Path:
        """File of the "last" or the "best" weights, or of those kept at an iteration where quality was measured.

        Raises:
            ConfigError: another word. CheckpointError: the run kept no such weights.
        """
        if str(checkpoint).isdecimal():
            return self._kept_weights(int(checkpoint))
        if checkpoint not in ("last", "best"):
            raise ConfigError(f"checkpoint={checkpoint} is unknown; give last, best or an iteration.")
        if checkpoint == "best" and not self.best_weights.exists():
            raise CheckpointError(
                f"{self.path} kept no best weights: train with 'callback=[default,quality]' (a GAN) or model/robust=pgd_at "
                "(a classifier), or use checkpoint=last."
            )
        return self.weights if checkpoint == "last" else self.best_weights

    def _kept_weights(self, iteration: int) -> Path:
        kept = {int(file.stem.rpartition("_")[2]): file for file in self.checkpoints.glob("quality_*.safetensors")}
        if iteration not in kept:
            there = f"it has those of {', '.join(map(str, sorted(kept)))}" if kept else "it has none at all"
            raise CheckpointError(
                f"{self.path} kept no weights of iteration {iteration} ({there}): train with 'callback=[default,quality]' "
                "callback.quality.keep_weights=true, or use checkpoint=last."
            )
        return kept[iteration]

    def weights_hash(self) -> str:
        """sha256 hex digest of the names and values of the stored weights, not the metadata.

        Raises:
            CheckpointError: the file is missing, damaged, or of another schema version.
        """
        from sparring.run import weights

        return weights.stored_hash(self.weights)
