"""Metrics of a `result.json` as text, each with its uncertainty, and found by their kind."""

import re
from collections.abc import Mapping
from typing import Any

Metric = Mapping[str, Any]


def percent(metric: Metric) -> str:
    """96.3 % [94.2, 97.7] of a share and its interval."""
    text = f"{100 * metric['value']:.1f} %"
    if metric.get("interval"):
        low, high = metric["interval"]
        text += f" [{100 * low:.1f}, {100 * high:.1f}]"
    return text


def number(metric: Metric) -> str:
    """A value with its standard deviation: 1.58 ± 0.04."""
    value, std = metric["value"], metric["std"]
    return f"{value:.3g}" if std is None else f"{value:.3g} ± {std:.2g}"


def of_kind(metrics: Mapping[str, Metric], prefix: str, *, split: str | None = None) -> list[tuple[str, Metric]]:
    """Metrics whose name after the split begins with `prefix`, in their order."""
    pattern = re.compile(rf"({split or '[^/]+'})/{re.escape(prefix)}")
    return [(name, metric) for name, metric in metrics.items() if pattern.match(name)]
