"""The metrics of a result.json by name: the one place of the notebook interface that knows their schema."""

from collections.abc import Iterator, Mapping
from typing import Any


def metrics_of(result: Mapping[str, Any]) -> dict[str, Any]:
    """name -> what result.json says of the metric; empty for a verb that measures nothing."""
    found = result.get("metrics", {})
    if isinstance(found, list):
        return {str(each["name"]): each for each in found}
    return dict(found)


def headline(metrics: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, float, float | None]]:
    """(name, value, standard deviation where there is one) of every metric that has a value."""
    for name, found in metrics.items():
        if isinstance(found, Mapping) and "value" in found:
            if found["value"] is not None:
                yield f"{prefix}{name}", float(found["value"]), found.get("std", found.get("spread"))
        elif isinstance(found, Mapping):
            yield from headline(found, f"{prefix}{name} ")
        elif isinstance(found, float):
            yield f"{prefix}{name}", found, None
