"""The quality curve of a run: `quality.csv`, one row per measurement."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class CurvePoint:
    """One point of the curve. values: by metric, NaN where it has none. best: whether it was the best so far."""

    iteration: int
    images_seen: int
    values: dict[str, float]
    best: bool


def csv_of(history: Sequence[CurvePoint], names: Sequence[str]) -> bytes:
    """The content of `quality.csv`. names: the metrics, in the order of the columns."""
    text = io.StringIO()
    table = csv.DictWriter(text, ["iteration", "images_seen", *names, "best"], lineterminator="\n")
    table.writeheader()
    for each in history:
        table.writerow(
            {"iteration": each.iteration, "images_seen": each.images_seen, **each.values, "best": int(each.best)}
        )
    return text.getvalue().encode()
