"""report.html of an evaluation: one file that needs no network and no other file."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sparring.core.atomic import write_atomic
from sparring.report.bars import bars
from sparring.report.outcome import outcome
from sparring.report.page import flat, template
from sparring.report.pictures import data_uri
from sparring.report.protocol import (
    Column,
    columns,
    metrics_of,
    reasons,
    reference_notes,
    reference_text,
    row_name,
    value_text,
)
from sparring.run.directory import RunDir

PICTURE_BYTES = 900_000
_PER_CLASS = {"ifd": "Frechet distance", "agreement": "predicted as asked"}


def evaluate_report(run_path: Path) -> Path:
    """Write `report.html` into the run directory of an evaluation, from its result.json; returns its path.

    Args:
        run_path: run directory of evaluate.py.

    Raises:
        CheckpointError: no such run or result. DiskError: the page cannot be written.
    """
    run = RunDir.open(run_path)
    page = template("evaluate.html.j2").render(view(run.result(), run.images / "neighbours.png"))
    target = run.path / "report.html"
    write_atomic(target, page.encode())
    return target


def view(result: dict[str, Any], picture: Path) -> dict[str, Any]:
    """The variables of the template, as plain values.

    Args:
        result: content of result.json.
        picture: PNG of samples and their nearest training images; need not exist.
    """
    records = result["records"]
    groups = columns(records)
    protocol = dict(records[0]["protocol"])
    discriminator, ended = result["discriminator"] or {}, outcome(result)
    subject = Path(str(result["subject"].get("run") or result["subject"].get("path") or result["name"])).name
    split = next(each for each in ("test", "val", "train") if any(record["split"] == each for record in records))
    return {
        "name": subject,
        "lead": f"{protocol['count']:,} images, compared with {result['data']['name']}.",
        "verdict": ended.words,
        "figures": ended.figures,
        "split": split,
        "bars": bars(records, split),
        "columns": groups,
        "rows": [_row(metric, groups) for metric in metrics_of(records)],
        "std": f"± {protocol['std']}",
        "real_data_reference": protocol["real_data_reference"],
        "notes": [*reference_notes(records), *reasons(records)],
        "per_class": class_table(groups, [str(name) for name in result.get("classes", ())]),
        "neighbours": data_uri(picture, most_bytes=PICTURE_BYTES) if picture.exists() else None,
        "discriminator": [(key, _text(value)) for key, value in discriminator.items()],
        "protocol": [*flat({"subject": result["subject"]}), *flat(protocol)],
    }


def _row(metric: str, groups: Sequence[Column]) -> dict[str, Any]:
    cells = [column.cells.get(metric) for column in groups]
    record = next(cell for cell in cells if cell is not None)
    texts = [text for cell in cells for text in (value_text(cell), reference_text(cell))]
    name = row_name(metric, [cell for cell in cells if cell is not None])
    return {"name": name, "means": record["means"], "better": record["better"], "cells": texts}


def class_table(groups: Sequence[Column], names: Sequence[str]) -> dict[str, Any] | None:
    """A row per class, by its name, a column per metric and split that has values by class."""
    by_column = {
        f"{words}, {column.title}": column.cells[metric]["more"]["per_class"]
        for metric, words in _PER_CLASS.items()
        for column in groups
        if metric in column.cells and "per_class" in column.cells[metric]["more"]
    }
    if not by_column:
        return None
    classes = sorted({name for values in by_column.values() for name in values}, key=int)
    called = [names[int(each)] if int(each) < len(names) else each for each in classes]
    rows = [
        [name, *(_text(values.get(each)) for values in by_column.values())]
        for name, each in zip(called, classes, strict=True)
    ]
    return {"columns": list(by_column), "rows": rows}


def _text(value: Any) -> str:
    return "–" if value is None else f"{value:.3f}" if isinstance(value, float) else str(value)
