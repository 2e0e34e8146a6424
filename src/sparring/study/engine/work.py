"""What a worker does with one cell: call the stage, write its output to a file, and record how it ended.

Nothing heavy is imported before a cell is run: a worker process sets its threads first.
"""

import contextlib
import json
import shutil
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from sparring.core.atomic import sha256_of, write_atomic
from sparring.core.errors import Interrupted, SparringError
from sparring.core.terminal import say
from sparring.run.settings import write_settings

RECORD = "cell.json"  # written last: a folder without it holds an unfinished cell
OUTPUT = "output.log"
RESULT = "result.json"
KEPT = (".json", ".csv", ".npz", ".safetensors", ".parquet")
_NOT_CONTINUED = (
    RECORD,
    OUTPUT,
    "*.lock",
    "report.html",
)  # files of a training that one going on with it does not take over
StageCall = Callable[[str, Any, Path], Any]  # verb, configuration, run directory; importable by name in a worker


@dataclass(frozen=True)
class CellRecord:
    """How a cell ended.

    Args:
        key: cache key of the cell, see `Planned`.
        state: whether its stage returned.
        reason: why it failed; empty for a finished cell.
        seconds: wall time in the worker.
        sha256: of the files that its stage left for the analysis and for other cells, by name; empty for a failed cell.
    """

    key: str
    state: Literal["finished", "failed"]
    reason: str
    seconds: float
    sha256: dict[str, str]

    @classmethod
    def read(cls, folder: Path) -> "CellRecord | None":
        """None where there is none, or only part of one."""
        try:
            return cls(**json.loads((folder / RECORD).read_text("utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def damaged(self, folder: Path) -> str | None:
        """The first file that is not what the stage left; None where all are.

        `result.json` must be there; others may have been removed to save space.
        """
        if self.state == "finished" and RESULT not in self.sha256:
            return RESULT
        for name, digest in self.sha256.items():
            if (name == RESULT or (folder / name).exists()) and digest_of(folder / name) != digest:
                return name
        return None

    def write(self, folder: Path) -> None:
        """Raises DiskError."""
        write_atomic(folder / RECORD, (json.dumps(asdict(self), indent=2) + "\n").encode())


def run_cell(
    call: StageCall, verb: str, config: dict[str, Any], overrides: tuple[str, ...], folder: Path, key: str, *,
    start: Path | None = None, keep_state: bool = False,
) -> CellRecord:  # fmt: skip
    """Call the stage `verb` in the new directory `folder`.

    A stage that fails is recorded as failed and raises nothing. What it prints goes to output.log. The checkpoints of a
    finished training are removed, weights are not.

    Args:
        call: how a stage is called.
        verb: the stage.
        config: its resolved configuration.
        overrides: what of it the cell chose, for `.hydra/overrides.yaml`.
        folder: run directory of the cell.
        key: cache key of the cell.
        start: run directory of the training that this one goes on with; a copy of it is what the stage finds.
        keep_state: whether the checkpoint of the end stays.

    Raises:
        Interrupted, KeyboardInterrupt: the stage was stopped; there is no record then.
        DiskError: the record cannot be written.
    """
    from omegaconf import OmegaConf

    started = time.perf_counter()
    if start is not None:
        shutil.copytree(start, folder, ignore=shutil.ignore_patterns(*_NOT_CONTINUED))
        config = {**config, "resume": str(folder)}
    settings = OmegaConf.create(config)
    OmegaConf.set_struct(settings, True)
    _write_settings(folder, config, overrides)
    reason = ""
    with _output_to(folder / OUTPUT):
        try:
            call(verb, settings, folder)
        except Interrupted:
            raise
        except Exception as error:
            say(traceback.format_exc().rstrip())
            first_line = (str(error).splitlines() or [""])[0]
            reason = str(error) if isinstance(error, SparringError) else f"{type(error).__name__}: {first_line}"
    if not reason:
        # Only an unfinished training needs them, and hundreds of cells would fill the disk; weights files stay.
        _drop_checkpoints(folder / "checkpoints", keep_state=keep_state)
    digests = {} if reason else {name: digest_of(folder / name) or "" for name in _files_of(folder)}
    record = CellRecord(
        key, "failed" if reason else "finished", reason, round(time.perf_counter() - started, 3), digests
    )
    record.write(folder)
    return record


def digest_of(file: Path) -> str | None:
    """sha256 hex digest of a file; None where it cannot be read."""
    try:
        with file.open("rb") as opened:
            return sha256_of(opened)
    except OSError:
        return None


def _files_of(folder: Path) -> list[str]:
    """The names of the files in `folder` itself that hold results or are read by other cells, not those to look at."""
    return sorted(
        file.name for file in folder.iterdir() if file.suffix in KEPT and file.name not in (RECORD, "status.json")
    )


def _drop_checkpoints(folder: Path, *, keep_state: bool) -> None:
    """Remove all but what later cells need: weights that the quality callback saved, the last state where it is to be kept.

    The folder goes, too, if that leaves it empty.
    """
    for file in folder.glob("*"):
        if not (keep_state and file.name.startswith("last.ckpt")) and not (
            file.name.startswith("quality_") and file.suffix == ".safetensors"
        ):
            file.unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # not empty, or not there
        folder.rmdir()


def _write_settings(folder: Path, config: dict[str, Any], overrides: tuple[str, ...]) -> None:
    """Write `.hydra/` as Hydra does on the command line: a run directory is read back through its settings."""
    import yaml

    write_settings(folder, config)
    (folder / ".hydra" / "overrides.yaml").write_text(yaml.safe_dump(list(overrides)), encoding="utf-8")


@contextlib.contextmanager
def _output_to(file: Path) -> Iterator[None]:
    with (
        file.open("a", encoding="utf-8", buffering=1) as log,
        contextlib.redirect_stdout(log),
        contextlib.redirect_stderr(log),
    ):
        yield
