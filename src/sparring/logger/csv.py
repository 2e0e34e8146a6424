"""The local record of a run's scalars: `metrics.csv`, one row per logged iteration."""

import csv
import io
import itertools
import logging
import numbers
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lightning.pytorch.loggers.logger import Logger
from lightning.pytorch.utilities import rank_zero_only

from sparring.core.atomic import disk_error, write_atomic
from sparring.core.errors import DiskError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

log = logging.getLogger(__name__)

FIRST_COLUMNS = ("iteration", "images_seen")
Row = dict[str, str]


class CSVLogger(Logger):
    """Columns: iteration, images_seen, then metrics in the order of their first appearance; empty where not logged.

    Each row is on its way to the disk when `log_metrics` returns, so a killed process loses none. Values logged at the
    same iteration share a row. While the disk is full, rows wait in memory.
    """

    def __init__(self, *, path: str | os.PathLike[str]) -> None:
        """`path`: the file; an existing one is continued (see `continue_after`)."""
        super().__init__()
        self.path = Path(path)
        self._columns: list[str] = []
        self._last: Row = {}  # the newest row in the file, to which the same iteration may still add
        self._start = 0  # where that row begins, in bytes
        self._size = 0
        self._waiting: list[Row] = []  # rows that the disk has not taken yet, oldest first
        self._opened = False
        self._warned = False

    @property
    def name(self) -> str:
        return "csv"

    @property
    def version(self) -> str:
        return ""

    @property
    def save_dir(self) -> str:
        return str(self.path.parent)

    @rank_zero_only
    def log_hyperparams(self, params: Any, *args: Any, **kwargs: Any) -> None:
        """Nothing to do: the settings are in `.hydra/config.yaml`."""

    @rank_zero_only
    def log_image(self, name: str, image: "NDArray[np.uint8]", step: int) -> None:
        """Nothing to do: pictures are in `images/`."""

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Add the scalars of iteration `step`; a full disk is warned about once and tried again with each row.

        Raises:
            ValueError: no `step` is given.
        """
        if step is None:
            raise ValueError("CSVLogger.log_metrics needs step=<iteration>.")
        values = {key: _text(value) for key, value in metrics.items() if key != "iteration"}
        self._waiting.append({"iteration": str(int(step)), **values})
        self._flush()

    @rank_zero_only
    def continue_after(self, iteration: int, run_id: str | None = None) -> None:
        """Drop the rows after `iteration`, which a resumed run will log again; warn where rows before it are missing.

        Raises:
            DiskError: the file could not be rewritten.
        """
        if self.path.exists():
            columns, rows = read_rows(self.path)
            kept = [row for row in rows if int(row["iteration"]) <= iteration]
            if end := _cut_at([int(row["iteration"]) for row in kept], iteration):
                log.warning(
                    "%s ends at iteration %d, and the run goes on from %d: the rows between are lost.",
                    self.path,
                    end,
                    iteration,
                )
            self._rewrite(columns, kept)
        else:
            log.warning("%s is missing: the rows before iteration %d are lost.", self.path, iteration)

    @rank_zero_only
    def finalize(self, status: str) -> None:
        """Push the file down to the disk; rows that a full disk refused are lost now, with a warning."""
        self._flush()
        if self._waiting:
            log.warning("%d rows of %s could not be written.", len(self._waiting), self.path)
            self._waiting = []  # Lightning finalizes too: once is enough
        elif self.path.exists():
            with self.path.open("rb") as file:
                os.fsync(file.fileno())

    def _flush(self) -> None:
        try:
            if not self._opened:
                self._open()
            while self._waiting:
                self._add(self._waiting[0])
                self._waiting.pop(0)
        except (OSError, DiskError) as error:
            if not self._warned:
                cause = disk_error(self.path, error) if isinstance(error, OSError) else error
                log.warning("%s Training goes on; the rows wait in memory.", cause)
            self._warned = True

    def _open(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        columns, rows = read_rows(self.path) if self.path.exists() else (list(FIRST_COLUMNS), [])
        self._rewrite(columns, rows)

    def _add(self, row: Row) -> None:
        same = self._last.get("iteration") == row["iteration"]
        merged = {**self._last, **row} if same else row
        new_columns = [key for key in merged if key not in self._columns]
        if new_columns:
            _, rows = read_rows(self.path)
            self._rewrite([*self._columns, *new_columns], [*(rows[:-1] if same else rows), merged])
            return
        start = self._start if same else self._size
        line = _lines(self._columns, [merged])
        with self.path.open("r+b", buffering=0) as file:
            try:
                _write_at(file, start, line)
            except OSError:
                file.truncate(start)  # no half of a row; if it was a merged one, it waits in memory as a whole
                self._waiting[0] = merged
                self._last, self._size = {}, start
                raise
        self._last, self._start, self._size = merged, start, start + len(line)

    def _rewrite(self, columns: list[str], rows: list[Row]) -> None:
        """Replace the file in one step."""
        lines = [_lines(columns, [dict(zip(columns, columns, strict=True))]), *(_lines(columns, [row]) for row in rows)]
        write_atomic(self.path, b"".join(lines))
        self._columns, self._last, self._opened = columns, rows[-1] if rows else {}, True
        self._size = sum(map(len, lines))
        self._start = self._size - len(lines[-1])


def read_rows(path: Path) -> tuple[list[str], list[Row]]:
    """Columns and rows of a metrics file; rows that are damaged or half written are left out with a warning."""
    text = path.read_text("utf-8", errors="replace").replace("\0", "")
    lines = text.splitlines()
    table = list(csv.reader(io.StringIO(text[: text.rfind("\n") + 1])))
    columns = table[0] if table and "iteration" in table[0] else list(FIRST_COLUMNS)
    whole = [line for line in table[1:] if len(line) == len(columns)]
    rows = [row for line in whole if (row := dict(zip(columns, line, strict=True)))["iteration"].isdecimal()]
    if not table:
        log.warning("%s has no whole line: the rows that it had are lost.", path)
    elif lost := max(0, len(lines) - 1) - len(rows):
        log.warning("%s is damaged: %d of its rows cannot be read and are left out.", path, lost)
    return columns, [{key: value for key, value in row.items() if value != ""} for row in rows]


def _cut_at(iterations: list[int], until: int) -> int | None:
    """The last of `iterations` where it is further from `until` than any two of them from each other, else None.

    A file that was cut at the end of a line looks whole.
    """
    steps = [after - before for before, after in itertools.pairwise(iterations)]
    return iterations[-1] if steps and until - iterations[-1] > max(steps) else None


def _lines(columns: list[str], rows: list[Row]) -> bytes:
    text = io.StringIO()
    csv.DictWriter(text, columns, restval="", lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


def _write_at(file: io.FileIO, start: int, data: bytes) -> None:
    file.seek(start)
    rest = memoryview(data)
    while rest:
        rest = rest[file.write(rest) :]
    file.truncate(start + len(data))


def _text(value: float) -> str:
    """The shortest text that reads back as the same number."""
    return str(int(value)) if isinstance(value, numbers.Integral) else repr(float(value))
