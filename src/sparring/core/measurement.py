"""One measured value as every `result.json` states it: with its uncertainty, its protocol and which way is better."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

LEVELS = 255  # of a pixel above black; the unit in which the literature states an epsilon
Direction = Literal["higher", "lower", "near_reference"]


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """A value and what is needed to compare it with another one.

    Args:
        value: None where the metric has none here; `reason` then says why.
        direction: which values are better; "near_reference": those of real images.
        protocol: everything that the value depends on, as plain values: split, images, network, strengths, ...
        std: standard deviation, over what `protocol` says.
        interval: (low, high), as `protocol` says.
        reason: why there is no value.
    """

    value: float | None
    direction: Direction
    protocol: Mapping[str, Any]
    std: float | None = None
    interval: tuple[float, float] | None = None
    reason: str = ""

    def record(self) -> dict[str, Any]:
        """Plain values, as `result.schema.json` describes a metric."""
        record: dict[str, Any] = {
            "value": self.value,
            "std": self.std,
            "interval": None if self.interval is None else list(self.interval),
            "protocol": dict(self.protocol),
            "direction": self.direction,
        }
        return record | ({"reason": self.reason} if self.reason else {})


@dataclass(frozen=True)
class FinalMetrics:
    """What a model reports at the end of its training.

    Args:
        metrics: by name; the name holds the split and what of the protocol tells metrics apart: `test/accuracy`.
        details: sections of `result.json` beside the metrics, as plain values: tables per class, answers per image.
    """

    metrics: Mapping[str, Measurement] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)

    def __or__(self, other: "FinalMetrics") -> "FinalMetrics":
        """Both together; a name in both is that of `other`."""
        return FinalMetrics({**self.metrics, **other.metrics}, {**self.details, **other.details})


def robust_accuracy_name(split: str, attack: str, epsilon: float) -> str:
    """`test/robust_accuracy/pgd@8/255`.

    Args:
        epsilon: fraction of the pixel range.
    """
    return f"{split}/robust_accuracy/{attack}@{LEVELS * epsilon:.10g}/{LEVELS}"
