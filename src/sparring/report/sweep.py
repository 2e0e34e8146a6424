"""A sweep as a table: what varies, how each job came out, and mean and standard deviation over seeds.

From the records of the jobs alone; no numbers are computed but means.
"""

import csv
import io
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sparring.core.atomic import write_atomic
from sparring.report.figures import of_kind
from sparring.report.page import template
from sparring.report.record import Series

SHOWN = 3  # metrics of a table that is to fit a terminal
# In the order of a table; the first that all jobs share are shown.
KINDS = ("accuracy", "ece", "robust_accuracy/", "fd_", "fid", "agreement_", "diversity_", "kid_")
SPLITS = ("test", "val", "train", "difference")


@dataclass(frozen=True)
class SweepRow:
    """One job.

    Args:
        overrides: of this job, key -> value.
        result: content of its result.json; empty where it left none.
        series: what it logged.
    """

    number: int
    overrides: Mapping[str, str]
    state: str
    seconds: float | None
    exit_code: int | None
    directory: str
    reason: str = ""
    result: Mapping[str, Any] = field(default_factory=dict)
    series: Sequence[Series] = ()


@dataclass(frozen=True)
class SweepTable:
    """Rows of text below `columns`; a row of `means` for each setting that ran with several seeds."""

    columns: list[str]
    rows: list[list[str]]
    means: list[list[str]]


def varying(rows: Sequence[SweepRow]) -> list[str]:
    """Settings that differ among the jobs, in the order in which they were typed; all of a single job's."""
    keys = list(dict.fromkeys(key for row in rows for key in row.overrides))
    return [key for key in keys if len({row.overrides.get(key) for row in rows}) > 1] or (
        keys if len(rows) == 1 else []
    )


def shared_metrics(rows: Sequence[SweepRow]) -> list[str]:
    """Metrics that every job with a result has, the most telling first."""
    results = [row.result["metrics"] for row in rows if row.result.get("metrics")]
    if not results:
        return []
    common = [name for name in results[0] if all(name in each for each in results)]
    found = [
        name
        for kind in KINDS
        for split in SPLITS
        for name, _ in of_kind({each: {} for each in common}, kind, split=split)
    ]
    return list(dict.fromkeys(found))


def table(rows: Sequence[SweepRow]) -> SweepTable:
    """The table for a terminal and a page: at most SHOWN metrics, each at the end, and at its best where a curve was logged."""
    keys, metrics = varying(rows), _one_per_kind(shared_metrics(rows))[:SHOWN]
    best = {name: curve for name in metrics if (curve := _curve(name, rows)) is not None}
    columns = ["job", *keys]
    for name in metrics:
        columns += [name, *([f"best {best[name]}"] if name in best else [])]
    columns += ["state", "seconds", "directory"]
    body = []
    for row in rows:
        cells = [str(row.number), *(row.overrides.get(key, "") for key in keys)]
        for name in metrics:
            cells.append(_text(_value(row, name)))
            if name in best:
                cells.append(_text(_best(row, best[name], name)))
        why = f": {row.reason}" if row.exit_code and row.reason else ""
        code = f" ({row.exit_code})" if row.exit_code else ""
        seconds = "" if row.seconds is None else f"{row.seconds:.0f}"
        body.append([*cells, f"{row.state}{why}{code}", seconds, row.directory])
    return SweepTable(columns, body, _means(rows, keys, metrics, best))


def csv_text(rows: Sequence[SweepRow]) -> str:
    """Every metric of every job, in full precision, with the ends of its interval."""
    keys, names = varying(rows), list(dict.fromkeys(name for row in rows for name in row.result.get("metrics", {})))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    parts = [f"{name}{part}" for name in names for part in ("", "/low", "/high", "/std")]
    writer.writerow(["job", *keys, "state", "exit_code", "seconds", "directory", *parts])
    for row in rows:
        values: list[Any] = []
        for name in names:
            metric = row.result.get("metrics", {}).get(name) or {}
            low, high = metric.get("interval") or (None, None)
            values += [metric.get("value"), low, high, metric.get("std")]
        fixed = [
            row.number,
            *(row.overrides.get(key, "") for key in keys),
            row.state,
            row.exit_code,
            row.seconds,
            row.directory,
        ]
        writer.writerow(["" if value is None else value for value in [*fixed, *values]])
    return text.getvalue()


def write(folder: Path, rows: Sequence[SweepRow], *, ending: str) -> Path:
    """Leave sweep.csv and report.html in `folder`; the page's path.

    Args:
        ending: how many jobs finished, as a sentence.

    Raises:
        DiskError: they cannot be written.
    """
    made, keys = table(rows), varying(rows)
    common = {key: value for row in rows for key, value in row.overrides.items() if key not in keys}
    page = template("sweep.html.j2").render(
        folder=folder.name, lead=ending, columns=made.columns, rows=made.rows, means=made.means,
        common=", ".join(f"{key}={value}" for key, value in common.items()),
    )  # fmt: skip
    write_atomic(folder / "sweep.csv", csv_text(rows).encode())
    write_atomic(folder / "report.html", page.encode())
    return folder / "report.html"


def _means(
    rows: Sequence[SweepRow], keys: Sequence[str], metrics: Sequence[str], best: Mapping[str, str]
) -> list[list[str]]:
    """Mean and standard deviation over the seeds of each setting of the others; nothing where no seed varies."""
    if "seed" not in keys:
        return []
    others = [key for key in keys if key != "seed"]
    groups: dict[tuple[str, ...], list[SweepRow]] = {}
    for row in rows:
        if row.result:
            groups.setdefault(tuple(row.overrides.get(key, "") for key in others), []).append(row)
    lines = []
    for group, members in groups.items():
        if len(members) < 2:
            continue
        settings = dict(zip(others, group, strict=True))
        cells = ["mean", *(f"{len(members)} seeds" if key == "seed" else settings[key] for key in keys)]
        for name in metrics:
            cells.append(_mean_text([_value(row, name) for row in members]))
            if name in best:
                cells.append(_mean_text([_best(row, best[name], name) for row in members]))
        lines.append([*cells, "", "", ""])
    return lines


def _one_per_kind(names: Sequence[str]) -> list[str]:
    """The first name of each kind: test before val."""
    chosen: dict[str, str] = {}
    for name in names:
        chosen.setdefault(name.partition("/")[2], name)
    return list(chosen.values())


def _curve(name: str, rows: Sequence[SweepRow]) -> str | None:
    """The logged scalar of the same metric, which has a best: val/accuracy of test/accuracy, quality/fd_... of val/fd_..."""
    kind = name.partition("/")[2].partition("/")[0]
    logged = {each.name for row in rows for each in row.series}
    candidates = (f"val/{kind}", f"quality/{kind}", f"samples/{kind.partition('_')[0]}")
    return next((each for each in candidates if each in logged), None)


def _best(row: SweepRow, curve: str, name: str) -> float | None:
    values = next((each.values for each in row.series if each.name == curve), [])
    metric = row.result.get("metrics", {}).get(name) or {}
    lower = metric.get("direction") == "lower"
    return None if not values else min(values) if lower else max(values)


def _value(row: SweepRow, name: str) -> float | None:
    value = (row.result.get("metrics", {}).get(name) or {}).get("value")
    return None if value is None else float(value)


def _text(value: float | None) -> str:
    return "–" if value is None else f"{value:.4g}"


def _mean_text(values: Sequence[float | None]) -> str:
    known = [value for value in values if value is not None]
    if len(known) < 2:
        return "–"
    return f"{statistics.mean(known):.4g} ± {statistics.stdev(known):.2g}"
