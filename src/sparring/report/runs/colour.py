"""Which runs of a page share a colour."""

from collections.abc import Sequence
from dataclasses import dataclass

from sparring.report.curves import COLOURS
from sparring.report.runs.row import RunRow
from sparring.report.runs.table import varying


@dataclass(frozen=True)
class Colouring:
    """numbers: of each run's colour, from 1. title: what the colours stand for; empty where all are one. names: by number."""

    numbers: list[int]
    title: str
    names: list[str]


def colouring(rows: Sequence[RunRow]) -> Colouring:
    """By the first choice beside the seed that has few values, else by run where there are few, else one for all."""
    for key in (key for key in varying(rows) if key != "seed"):
        values = list(dict.fromkeys(row.overrides.get(key, "") for row in rows))
        if 2 <= len(values) <= COLOURS:
            numbers = [values.index(row.overrides.get(key, "")) + 1 for row in rows]
            return Colouring(numbers, key, [value or "not given" for value in values])
    if 2 <= len(rows) <= COLOURS:
        return Colouring(list(range(1, len(rows) + 1)), "run", [row.directory for row in rows])
    return Colouring([1] * len(rows), "", [])
