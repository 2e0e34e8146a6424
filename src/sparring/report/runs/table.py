"""Runs as a table: what varies, how each came out, and mean and standard deviation over seeds.

From the records of the runs alone; no numbers are computed but means.
"""

import csv
import io
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sparring.report.figures import of_kind
from sparring.report.runs.row import DAMAGED, RunRow

SHOWN = 3  # metrics of a table that is to fit a terminal
# In the order of a table; the first that all jobs share are shown.
KINDS = ("accuracy", "ece", "robust_accuracy/", "fd_", "fid", "agreement_", "diversity_", "kid_")
SPLITS = ("test", "val", "train", "difference")


@dataclass(frozen=True)
class TextTable:
    """Rows of text below `columns`; a row of `means` for each setting that ran with several seeds."""

    columns: list[str]
    rows: list[list[str]]
    means: list[list[str]]


@dataclass(frozen=True)
class Best:
    """The best value that a logged scalar reached on the way."""

    curve: str
    lower: bool

    def of(self, row: RunRow) -> float | None:
        """In one run; None where it logged none."""
        values = next((each.values for each in row.series if each.name == self.curve), [])
        return None if not values else min(values) if self.lower else max(values)


def varying(rows: Sequence[RunRow]) -> list[str]:
    """Settings that differ among the runs, in the order in which they were typed; all of a single run's."""
    rows = [row for row in rows if row.overrides or row.state != DAMAGED]  # of such a one nothing is known
    keys = list(dict.fromkeys(key for row in rows for key in row.overrides))
    return [key for key in keys if len({row.overrides.get(key) for row in rows}) > 1] or (
        keys if len(rows) == 1 else []
    )


def shared_metrics(rows: Sequence[RunRow]) -> list[str]:
    """Metrics that every run with a result has, the most telling first."""
    results = [row.result["metrics"] for row in rows if row.result.get("metrics")]
    if not results:
        return []
    return in_order([name for name in results[0] if all(name in each for each in results)])


def all_metrics(rows: Sequence[RunRow]) -> list[str]:
    """Metrics of any run, those of the most runs first, then the most telling."""
    held = Counter(name for row in rows for name in row.result.get("metrics", {}))
    return sorted(in_order(list(held)), key=lambda name: -held[name])


def in_order(names: Sequence[str]) -> list[str]:
    """Those of the KINDS, the most telling first."""
    by_name: dict[str, dict[str, Any]] = {name: {} for name in names}
    found = [name for kind in KINDS for split in SPLITS for name, _ in of_kind(by_name, kind, split=split)]
    return list(dict.fromkeys(found))


def table(rows: Sequence[RunRow]) -> TextTable:
    """The table for a terminal: at most SHOWN metrics, each at the end, and at its best where a curve was logged."""
    keys, metrics = varying(rows), one_per_kind(shared_metrics(rows))[:SHOWN]
    best = bests_of(metrics, rows)
    columns = ["job", *keys]
    for name in metrics:
        columns += [name, *([f"best {best[name].curve}"] if name in best else [])]
    columns += ["state", "seconds", "directory"]
    body = []
    for row in rows:
        cells = [str(row.number), *(row.overrides.get(key, "") for key in keys)]
        for name in metrics:
            cells.append(number_text(value_of(row, name)))
            if name in best:
                cells.append(number_text(best[name].of(row)))
        why = f": {row.reason}" if row.exit_code and row.reason else ""
        code = f" ({row.exit_code})" if row.exit_code else ""
        seconds = "" if row.seconds is None else f"{row.seconds:.0f}"
        body.append([*cells, f"{row.state}{why}{code}", seconds, row.directory])
    lines = [["mean", *line, "", "", ""] for line in means(rows, keys, metrics, best)]
    return TextTable(columns, body, lines)


def csv_text(rows: Sequence[RunRow]) -> str:
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


def means(
    rows: Sequence[RunRow], keys: Sequence[str], metrics: Sequence[str], best: Mapping[str, Best]
) -> list[list[str]]:
    """Mean and standard deviation over the seeds of each setting of the others; nothing where no seed varies.

    A line has a cell for each of `keys`, then one for each metric and one for its best.
    """
    if "seed" not in keys:
        return []
    others = [key for key in keys if key != "seed"]
    groups: dict[tuple[str, ...], list[RunRow]] = {}
    for row in rows:
        if row.result:
            groups.setdefault(tuple(row.overrides.get(key, "") for key in others), []).append(row)
    lines = []
    for group, members in groups.items():
        if len(members) < 2:
            continue
        settings = dict(zip(others, group, strict=True))
        cells = [f"{len(members)} seeds" if key == "seed" else settings[key] for key in keys]
        for name in metrics:
            cells.append(_mean_text([value_of(row, name) for row in members]))
            if name in best:
                cells.append(_mean_text([best[name].of(row) for row in members]))
        lines.append(cells)
    return lines


def one_per_kind(names: Sequence[str]) -> list[str]:
    """The first name of each kind: test before val."""
    chosen: dict[str, str] = {}
    for name in names:
        chosen.setdefault(name.partition("/")[2], name)
    return list(chosen.values())


def bests_of(metrics: Sequence[str], rows: Sequence[RunRow]) -> dict[str, Best]:
    """metric -> how to tell its best on the way, where it has a better end and a curve was logged."""
    found = {}
    for name in metrics:
        directions = {each["direction"] for row in rows if (each := row.result.get("metrics", {}).get(name))}
        curve = _curve(name, rows)
        if curve is not None and len(directions) == 1 and "near_reference" not in directions:
            found[name] = Best(curve, lower=directions == {"lower"})
    return found


def _curve(name: str, rows: Sequence[RunRow]) -> str | None:
    """The logged scalar of the same metric, which has a best: val/accuracy of test/accuracy, quality/fd_... of val/fd_..."""
    kind = name.partition("/")[2].partition("/")[0]
    logged = {each.name for row in rows for each in row.series}
    candidates = (f"val/{kind}", f"quality/{kind}", f"samples/{kind.partition('_')[0]}")
    return next((each for each in candidates if each in logged), None)


def value_of(row: RunRow, name: str) -> float | None:
    value = (row.result.get("metrics", {}).get(name) or {}).get("value")
    return None if value is None else float(value)


def number_text(value: float | None) -> str:
    return "–" if value is None else f"{value:.4g}"


def _mean_text(values: Sequence[float | None]) -> str:
    known = [value for value in values if value is not None]
    if len(known) < 2:
        return "–"
    return f"{statistics.mean(known):.4g} ± {statistics.stdev(known):.2g}"
