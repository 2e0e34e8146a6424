"""Reading the metrics of an evaluation, a cell of evaluate.py."""

from typing import Any

from sparring.study.analysis import DASH, number
from sparring.study.results import CellResult


def record_of(each: CellResult, metric: str) -> dict[str, Any]:
    """The entry of one metric in an evaluation."""
    found: list[dict[str, Any]] = each.get("metrics")
    return next(record for record in found if record["metric"] == metric)


def value_of(each: CellResult, metric: str) -> float | None:
    """Of a metric; None where it has none."""
    value = record_of(each, metric)["value"]
    return None if value is None else float(value)


def shown(each: CellResult | None, metric: str, scale: float = 1.0) -> str:
    """The same as text; a dash also for a cell that did not finish."""
    value = None if each is None else value_of(each, metric)
    return DASH if value is None else number(scale * value, 3 if scale == 1.0 else 2)
