"""Reading a run directory for a report: whatever is there, of a run that finished, was stopped or failed."""

import csv
import logging
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from sparring.core.errors import CheckpointError
from sparring.run.commands import config_dir_words
from sparring.run.directory import RunDir

log = logging.getLogger(__name__)
CLOCK = ("iteration", "images_seen")


@dataclass(frozen=True)
class Series:
    """One logged scalar: its values over images seen, where it was logged. `not_finite` counts NaN and infinite ones."""

    name: str
    images_seen: list[float]
    values: list[float]
    not_finite: int


@dataclass(frozen=True)
class Sample:
    """A grid of generated images and the iteration that it shows."""

    iteration: int
    path: Path


@dataclass(frozen=True)
class TrainingRecord:
    """The contents of a training's run directory.

    Args:
        path: the run directory.
        status: status.json; empty where the run wrote none.
        result: result.json; empty where the run wrote none.
        config: its settings as plain values.
        config_yaml: the same as text.
        overrides: what was chosen on the command line.
        series: the logged scalars.
        samples: the sample grids.
        real: picture of real images, if there is one.
        config_dir: words of the command line that named folders of the user's own configurations.
        alive: whether a process holds the run's lock.
        clock: the last known iteration and images_seen; empty if the run recorded neither.
    """

    path: Path
    status: dict[str, Any]
    result: dict[str, Any]
    config: dict[str, Any]
    config_yaml: str
    overrides: list[str]
    config_dir: list[str]
    series: list[Series]
    samples: list[Sample]
    real: Path | None
    alive: bool
    clock: dict[str, int]


def read(path: Path) -> TrainingRecord:
    """Everything that a report shows of the run in `path`.

    Raises:
        CheckpointError: `path` is no run directory.
    """
    run = RunDir.open(path)
    text = (run.path / ".hydra" / "config.yaml").read_text("utf-8", errors="replace")
    real = run.images / "real.png"
    status, table = _or_empty(run.status), MetricTable.read(run.metrics_csv)
    return TrainingRecord(
        path=run.path,
        status=status,
        result=_or_empty(run.result),
        config=_mapping(text),
        config_yaml=text,
        overrides=_or_empty(lambda: run.overrides) or [],
        config_dir=_or_empty(lambda: config_dir_words(run)) or [],
        series=table.series(),
        samples=read_samples(run.images),
        real=real if real.exists() else None,
        alive=run.is_being_written(),
        clock=furthest(status.get("clock") or {}, table.last_clock()),
    )


def furthest(*clocks: dict[str, int]) -> dict[str, int]:
    """The latest of some clocks: status.json of a killed run still shows its start, metrics.csv its last iteration."""
    return max(clocks, key=lambda clock: clock.get("iteration", -1))


@dataclass(frozen=True)
class MetricTable:
    """metrics.csv; rows that are damaged, or that a crash cut short, are left out with a warning."""

    header: list[str]
    rows: list[list[str]]

    @classmethod
    def read(cls, path: Path) -> "MetricTable":
        if not path.exists():
            return cls([], [])
        with path.open(newline="", encoding="utf-8", errors="replace") as file:
            lines = file.read().replace("\0", "").splitlines(keepends=True)
        table = list(csv.reader(line for line in lines if line.endswith(("\n", "\r"))))
        header = table[0] if table else []
        if not set(CLOCK) <= set(header):
            header = []
        rows = [row for row in table[1:] if header and len(row) == len(header)]
        if not lines:
            log.warning("%s is empty: the rows that it had are lost.", path)
        elif lost := max(0, len(lines) - 1) - len(rows):
            log.warning("%s is damaged: %d of its rows cannot be read and are left out.", path, lost)
        return cls(header, rows)

    def column(self, name: str) -> list[float | None]:
        """Its cells as numbers; `None` where the scalar was not logged at that iteration."""
        index = self.header.index(name)
        return [_number(row[index]) for row in self.rows]

    def series(self) -> list[Series]:
        """The columns that hold numbers, in file order."""
        if not self.rows:
            return []
        clock = self.column("images_seen")
        scalars = [_series(name, clock, self.column(name)) for name in self.header if name not in CLOCK]
        return [series for series in scalars if series.values or series.not_finite]

    def last_clock(self) -> dict[str, int]:
        """iteration and images_seen of the last row; empty without one."""
        if not self.rows:
            return {}
        return {name: int(value) for name in CLOCK if (value := self.column(name)[-1]) is not None}


def read_samples(images: Path) -> list[Sample]:
    """images/samples_<iteration>.png in order."""
    matches = [(re.fullmatch(r"samples_(\d+)\.png", path.name), path) for path in images.glob("samples_*.png")]
    return sorted(
        (Sample(int(match[1]), path) for match, path in matches if match is not None),
        key=lambda sample: sample.iteration,
    )


def _series(name: str, clock: list[float | None], column: list[float | None]) -> Series:
    logged = [(x, y) for x, y in zip(clock, column, strict=True) if x is not None and y is not None]
    finite = [(x, y) for x, y in logged if math.isfinite(y)]
    return Series(name, [x for x, _ in finite], [y for _, y in finite], len(logged) - len(finite))


def _number(cell: str) -> float | None:
    try:
        return float(cell)
    except ValueError:
        return None


def _or_empty(read_one: Any) -> Any:
    """What `read_one` reads; empty where the run has not written it or a crash damaged it: a report shows the rest."""
    try:
        return read_one() or {}
    except (CheckpointError, OSError, ValueError, yaml.YAMLError):
        return {}


def _mapping(text: str) -> dict[str, Any]:
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError:
        return {}
    return content if isinstance(content, dict) else {}
