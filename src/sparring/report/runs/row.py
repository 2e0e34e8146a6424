"""One run as a row of a table of runs, read from whatever its directory holds."""

import csv
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sparring.core.errors import SparringError
from sparring.core.yaml_file import Unreadable, read_texts
from sparring.report.record import MetricTable, Series, read_samples
from sparring.report.state import state_of
from sparring.run.directory import RunDir
from sparring.run.kind import verb_of
from sparring.run.settings import FOLDER

DAMAGED = "damaged"
NO_CHOICE = ("resume", "retry", "dir", "paths", "hydra")  # overrides that say where and when, not what


@dataclass(frozen=True)
class RunRow:
    """One run, or one job of a sweep that may not have been started.

    Args:
        number: of a sweep's job.
        overrides: what was chosen, key -> value.
        directory: from the folder of the page.
        result: content of its result.json; empty where it left none.
        series: what it logged.
        sample: its newest picture.
        page: its own page.
    """

    number: int | None
    overrides: Mapping[str, str]
    state: str
    seconds: float | None
    exit_code: int | None
    directory: str
    reason: str = ""
    result: Mapping[str, Any] = field(default_factory=dict)
    series: Sequence[Series] = ()
    verb: str = ""
    sample: Path | None = None
    page: Path | None = None


def read_row(path: Path, *, root: Path) -> RunRow:
    """The run in `path`; one that cannot be read is a row that says why.

    Args:
        root: the folder of the page.
    """
    directory = path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)
    try:
        return _read(RunDir.open(path), directory)
    except (SparringError, OSError, ValueError, KeyError, TypeError, AttributeError, csv.Error) as error:
        reason = str(error) if isinstance(error, SparringError) else f"{type(error).__name__}: {error}"
        return RunRow(None, _typed(path), DAMAGED, None, None, directory, reason)


def _read(run: RunDir, directory: str) -> RunRow:
    status = run.status() or {}
    state = state_of(status, alive=run.is_being_written())
    result = _result(run)
    clock = result.get("cost") or {}
    samples = read_samples(run.images)
    pictures = [each.path for each in samples[-1:]] or [run.images / "grid.png"]
    code = status.get("exit_code")
    return RunRow(
        number=None,
        overrides=_typed(run.path),
        state=state.word.lower(),
        seconds=_finite(clock.get("seconds")),
        exit_code=code if isinstance(code, int) else None,
        directory=directory,
        reason=state.sentence if state.word != "Finished" else "",
        result=result,
        series=MetricTable.read(run.metrics_csv).series(),
        verb=str(result.get("verb") or verb_of(_settings(run.path)) or ""),
        sample=next((each for each in pictures if each.is_file()), None),
        page=run.report if run.report.is_file() else None,
    )


def _typed(path: Path) -> dict[str, str]:
    """Choices of the command line; none where their file cannot be read, or the run was started in Python."""
    file = path / FOLDER / "overrides.yaml"
    try:
        content = read_texts(file) if file.is_file() else []
    except Unreadable:
        return {}
    return as_choices(content) if isinstance(content, list) else {}


def _result(run: RunDir) -> dict[str, Any]:
    """Content of result.json where there is one. Raises CheckpointError, and ValueError where it is not of the usual form."""
    if not (run.path / "result.json").exists():
        return {}
    result = run.result()
    metrics = result.get("metrics", {})
    if not isinstance(metrics, dict) or not all(
        isinstance(each, dict) and isinstance(each.get("value"), int | float | None) for each in metrics.values()
    ):
        raise ValueError("result.json holds metrics in another form than result.schema.json describes")
    return {**result, "metrics": metrics}


def as_choices(overrides: Iterable[Any]) -> dict[str, str]:
    """Overrides that choose what is run as key -> value, without the sign of an added key and the quotes of a value."""
    pairs = (str(item).partition("=")[::2] for item in overrides)
    return {key.lstrip("+"): value.strip("'\"") for key, value in pairs if key.partition(".")[0] not in NO_CHOICE}


def filled(row: RunRow, keys: Iterable[str], path: Path) -> RunRow:
    """With the values of the `keys` that were not typed, where the run's settings hold them: another run typed its default."""
    missing = [key for key in keys if key not in row.overrides]
    if not missing or row.state == DAMAGED:
        return row
    settings, choices = _settings(path), _choices(path)
    found = {key: text for key in missing if (text := _value(key, settings, choices)) is not None}
    return RunRow(**{**vars(row), "overrides": {**row.overrides, **found}})


def _value(key: str, settings: Mapping[str, Any], choices: Mapping[str, Any]) -> str | None:
    if key in choices:
        return str(choices[key])
    node: Any = settings
    for name in re.split(r"\.", key):
        if not isinstance(node, dict) or name not in node:
            return None
        node = node[name]
    if isinstance(node, list):
        return f"[{','.join(map(str, node))}]"
    return None if isinstance(node, dict) else str(node)


def _settings(path: Path) -> dict[str, Any]:
    return _mapping(path / FOLDER / "config.yaml")


def _choices(path: Path) -> dict[str, Any]:
    """What was chosen in every group, by Hydra's own record."""
    content: Any = _mapping(path / FOLDER / "hydra.yaml")
    for name in ("hydra", "runtime", "choices"):
        content = content.get(name) if isinstance(content, dict) else None
    return content if isinstance(content, dict) else {}


def _mapping(file: Path) -> dict[str, Any]:
    """Its content as texts; empty where it cannot be read: the row then shows what was typed alone."""
    try:
        content = read_texts(file) if file.is_file() else {}
    except Unreadable:
        return {}
    return content if isinstance(content, dict) else {}


def _finite(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None
