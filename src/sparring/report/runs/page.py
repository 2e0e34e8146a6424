"""Every run of a folder on one page that needs no server, no network and no other file, and the same table as CSV."""

import base64
import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sparring.core.atomic import write_atomic
from sparring.report.page import duration, flat, template
from sparring.report.pictures import thumbnail
from sparring.report.runs.colour import colouring
from sparring.report.runs.overlay import overlays
from sparring.report.runs.parallel import parallel
from sparring.report.runs.row import RunRow
from sparring.report.runs.table import (
    Best,
    all_metrics,
    bests_of,
    csv_text,
    means,
    number_text,
    one_per_kind,
    value_of,
    varying,
)

CHOICES, METRICS = 8, 6  # columns at most; further choices share one
SIDE = 112  # pixels of a picture
SCRIPT = Path(__file__).with_name("runs.js")
PER_RUN = ("iteration",)  # parts of a protocol that differ with the length of a training alone
KINDS = {"killed": "failed", "damaged": "failed", "unknown": "failed", "not started": "soft"}  # state -> colour


@dataclass(frozen=True)
class Cell:
    """Text, what to sort by, and a mark that tells protocols of one column apart."""

    text: str
    sort: str
    mark: str = ""


def write(folder: Path, rows: Sequence[RunRow], *, kind: str, ending: str, page: Path, table: Path) -> Path:
    """Leave the page and the table; returns the page's path.

    Args:
        folder: of the runs, which titles the page.
        kind: what they are together, such as "sweep".
        ending: what became of them, as a sentence.

    Raises:
        DiskError: they cannot be written.
    """
    content = template("runs.html.j2").render(
        view(folder, rows, kind=kind, ending=ending, place=page.parent, table=table)
    )
    write_atomic(table, csv_text(rows).encode())
    write_atomic(page, content.encode())
    return page


def states(rows: Sequence[RunRow]) -> str:
    """3 runs: 2 finished, 1 diverged."""
    counts = Counter(row.state for row in rows)
    listed = ", ".join(f"{count:,} {state}" for state, count in counts.most_common())
    return f"{len(rows):,} {'run' if len(rows) == 1 else 'runs'}: {listed}." if rows else "There is no run."


def view(folder: Path, rows: Sequence[RunRow], *, kind: str, ending: str, place: Path, table: Path) -> dict[str, Any]:
    """Variables of the template, which escapes them; place: folder of the page, from which its links go."""
    keys = _by_use(varying(rows), rows)
    metrics = one_per_kind(all_metrics(rows))[:METRICS]
    best, colours = bests_of(metrics, rows), colouring(rows)
    protocols = {name: _protocols(name, rows) for name in metrics}
    common = {key: value for row in rows for key, value in row.overrides.items() if key not in keys}
    columns = [*keys[:CHOICES], *(["also"] if keys[CHOICES:] else [])]
    for name in metrics:
        columns += [name, *([f"best {best[name].curve}"] if name in best else [])]
    script = SCRIPT.read_text("utf-8")
    return {
        "folder": folder.name, "kind": kind, "lead": ending, "columns": [*columns, "seconds"],
        "rows": [_row(row, keys, metrics, best, protocols, place) | {"colour": colours.numbers[i]} for i, row in enumerate(rows)],
        "pictured": any(row.sample for row in rows), "winners": list(_winners(rows, metrics, protocols)),
        "means": means(rows, keys, metrics, best) if not keys[CHOICES:] else [], "mean_columns": columns,
        "colours": colours, "overlays": overlays(rows, colours.numbers),
        "parallel": parallel(rows, keys, {name: _lower(name, rows) for name in metrics}, colours.numbers),
        "protocols": [(name, list(_described(found))) for name, found in protocols.items()],
        "common": ", ".join(f"{key}={value}" for key, value in common.items()),
        "table": table.name, "script": script,
        "script_hash": base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    }  # fmt: skip


def _by_use(keys: Sequence[str], rows: Sequence[RunRow]) -> list[str]:
    """In their order where all have a column; else those that most runs have first."""
    used = Counter(key for row in rows for key in row.overrides)
    return list(keys) if len(keys) <= CHOICES else sorted(keys, key=lambda key: -used[key])


def _row(
    row: RunRow, keys: Sequence[str], metrics: Sequence[str], best: Mapping[str, Best],
    protocols: Mapping[str, Mapping[str, str]], place: Path,
) -> dict[str, Any]:  # fmt: skip
    cells = [Cell(row.overrides.get(key, ""), row.overrides.get(key, "")) for key in keys[:CHOICES]]
    if keys[CHOICES:]:
        more = " ".join(f"{key}={row.overrides[key]}" for key in keys[CHOICES:] if row.overrides.get(key))
        cells.append(Cell(more, more))
    for name in metrics:
        measured = name in row.result.get("metrics", {})
        mark = protocols[name][_protocol(row.result, name)] if measured and len(protocols[name]) > 1 else ""
        cells.append(_number(value_of(row, name), mark))
        if name in best:
            cells.append(_number(best[name].of(row)))
    cells.append(
        Cell("" if row.seconds is None else duration(row.seconds), "" if row.seconds is None else f"{row.seconds}")
    )
    remarks = row.result.get("remarks")
    return {
        "name": row.directory, "href": _href(row, place), "verb": row.verb, "cells": cells, "state": row.state,
        "state_kind": KINDS.get(row.state, row.state), "exit_code": row.exit_code, "reason": row.reason,
        "remarks": [str(each) for each in remarks] if isinstance(remarks, list) else [],
        "thumbnail": thumbnail(row.sample, side=SIDE) if row.sample else None,
    }  # fmt: skip


def _number(value: float | None, mark: str = "") -> Cell:
    return Cell(number_text(value), "" if value is None else f"{value!r}", mark)


def _href(row: RunRow, place: Path) -> str:
    return "" if row.page is None else quote(os.path.relpath(row.page, place))


def _winners(
    rows: Sequence[RunRow], metrics: Sequence[str], protocols: Mapping[str, Mapping[str, str]]
) -> Iterator[tuple[str, str, int, str]]:
    """(metric, value, number of the row, its name) of the best run, where a metric has a better end and one protocol."""
    for name in metrics:
        known = [(value, i) for i, row in enumerate(rows) if (value := value_of(row, name)) is not None]
        directions = {rows[i].result["metrics"][name].get("direction") for _, i in known}
        if len(known) > 1 and len(protocols[name]) == 1 and directions in ({"lower"}, {"higher"}):
            value, i = min(known) if directions == {"lower"} else max(known)
            yield name, number_text(value), i, rows[i].directory


def _lower(name: str, rows: Sequence[RunRow]) -> bool:
    return any((row.result.get("metrics", {}).get(name) or {}).get("direction") == "lower" for row in rows)


def _protocol(result: Mapping[str, Any], name: str) -> str:
    """Everything that the metric depends on, the data set included, as text."""
    metric, data = result["metrics"][name], result.get("data")
    protocol = dict(metric["protocol"]) if isinstance(metric.get("protocol"), dict) else {}
    if isinstance(data, dict):
        fingerprints = data.get("fingerprints")
        test = fingerprints.get("test") if isinstance(fingerprints, dict) else None
        protocol |= {
            "data": data.get("name"),
            "test set": str(test)[:8] if test and protocol.get("split") == "test" else None,
        }
    return json.dumps({key: value for key, value in protocol.items() if key not in PER_RUN}, sort_keys=True)


def _protocols(name: str, rows: Sequence[RunRow]) -> dict[str, str]:
    """protocol -> its letter, in the order of the rows."""
    found = (_protocol(row.result, name) for row in rows if name in row.result.get("metrics", {}))
    return {each: _letter(i) for i, each in enumerate(dict.fromkeys(found))}


def _letter(i: int) -> str:
    return chr(ord("a") + i) if i < 26 else f"{i + 1}"


def _described(protocols: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """(letter, text) of each, of several only what differs from the others."""
    contents = [dict(flat(json.loads(each))) for each in protocols]
    shared = set.intersection(*(set(each.items()) for each in contents)) if len(contents) > 1 else set()
    for letter, each in zip(protocols.values(), contents, strict=True):
        mark = letter if len(contents) > 1 else ""
        yield mark, ", ".join(f"{key}: {value}" for key, value in each.items() if (key, value) not in shared)
    if shared:
        yield "all", ", ".join(f"{key}: {value}" for key, value in contents[0].items() if (key, value) in shared)
