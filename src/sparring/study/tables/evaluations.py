"""Reading what evaluate.py recorded of generated images."""

from collections.abc import Mapping
from typing import Any

from sparring.study.engine.results import CellResult
from sparring.study.tables.text import DASH, number


def metric_record(each: CellResult, metric: str) -> Mapping[str, Any]:
    """The entry of one metric in result.json of an evaluation."""
    records: list[dict[str, Any]] = each.get("records")
    return next(record for record in records if record["metric"] == metric)


def metric_value(each: CellResult, metric: str) -> float | None:
    """Value of a metric; None where it is not defined."""
    value = metric_record(each, metric)["value"]
    return None if value is None else float(value)


def real_data_reference(record: Mapping[str, Any]) -> float | None:
    """Value of the metric for training images in place of generated ones; None where it is not defined."""
    value = record["real_data_reference"]
    return None if value is None else float(value)


def metric_text(each: CellResult | None, metric: str, scale: float = 1.0) -> str:
    """`scale` times a metric as text; a dash where it is not defined, and for a cell that did not finish."""
    value = None if each is None else metric_value(each, metric)
    return DASH if value is None else number(scale * value, 3 if scale == 1.0 else 2)
