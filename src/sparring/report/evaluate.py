"""report.html of an evaluation: one file that needs no network and no other file."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sparring.core.atomic import write_atomic
from sparring.report.page import flat, template
from sparring.report.pictures import data_uri
from sparring.report.protocol import Column, columns, floor_notes, floor_text, metrics_of, reasons, row_name, value_text
from sparring.run.directory import RunDir

PICTURE_BYTES = 900_000
_PER_CLASS = {"ifd": "Frechet distance", "agreement": "predicted as asked"}


def evaluate_report(run_path: Path) -> Path:
    """Write `report.html` into the run directory of an evaluation, from its result.json; returns its path.

    Raises:
        CheckpointError: no such run or result. DiskError: the page cannot be written.
    """
    run = RunDir.open(run_path)
    page = template("evaluate.html.j2").render(view(run.result(), run.images / "neighbours.png"))
    target = run.path / "report.html"
    write_atomic(target, page.encode())
    return target


def view(result: dict[str, Any], picture: Path) -> dict[str, Any]:
    """What the template shows, as plain values."""
    records = result["records"]
    shown = columns(records)
    protocol = dict(records[0]["protocol"])
    discriminator = result["discriminator"] or {}
    return {
        "name": result["name"],
        "lead": f"{protocol['count']} images, held against {result['data']['name']}.",
        "columns": shown,
        "rows": [_row(metric, shown) for metric in metrics_of(records)],
        "spread": f"± {protocol['spread']}",
        "floor": protocol["floor"],
        "reasons": [*floor_notes(records), *reasons(records)],
        "per_class": _per_class(shown),
        "neighbours": data_uri(picture, most_bytes=PICTURE_BYTES) if picture.exists() else None,
        "discriminator": [(key, _text(value)) for key, value in discriminator.items()],
        "protocol": [*flat({"subject": result["subject"]}), *flat(protocol)],
    }


def _row(metric: str, shown: Sequence[Column]) -> dict[str, Any]:
    cells = [column.cells.get(metric) for column in shown]
    record = next(cell for cell in cells if cell is not None)
    texts = [text for cell in cells for text in (value_text(cell), floor_text(cell))]
    name = row_name(metric, [cell for cell in cells if cell is not None])
    return {"name": name, "means": record["means"], "better": record["better"], "cells": texts}


def _per_class(shown: Sequence[Column]) -> dict[str, Any] | None:
    """A row per class; a column per metric and reference that knows classes."""
    found = {
        f"{words}, {column.title}": column.cells[metric]["more"]["per_class"]
        for metric, words in _PER_CLASS.items()
        for column in shown
        if metric in column.cells and "per_class" in column.cells[metric]["more"]
    }
    if not found:
        return None
    classes = sorted({name for values in found.values() for name in values}, key=int)
    rows = [[name, *(_text(values.get(name)) for values in found.values())] for name in classes]
    return {"columns": list(found), "rows": rows}


def _text(value: Any) -> str:
    return "–" if value is None else f"{value:.3f}" if isinstance(value, float) else str(value)
