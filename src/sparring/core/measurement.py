"""One measured value as every `result.json` states it: with its uncertainty, its protocol and which way is better."""

import math
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
        reference: the value of real images in place of generated ones, where that was measured.
    """

    value: float | None
    direction: Direction
    protocol: Mapping[str, Any]
    std: float | None = None
    interval: tuple[float, float] | None = None
    reason: str = ""
    reference: float | None = None

    def record(self) -> dict[str, Any]:
        """Plain values, as `result.schema.json` describes a metric."""
        record: dict[str, Any] = {
            "value": self.value,
            "std": self.std,
            "interval": None if self.interval is None else list(self.interval),
            "protocol": dict(self.protocol),
            "direction": self.direction,
        }
        known = {"reason": self.reason or None, "reference": self.reference}
        return record | {key: value for key, value in known.items() if value is not None}


def share(value: float, *, images: int, protocol: Mapping[str, Any], direction: Direction = "higher") -> Measurement:
    """A share of `images` images, such as an accuracy, with the interval that so few images leave open.

    Args:
        value: in 0..1.
        protocol: as of a Measurement; what the interval is comes to it.
    """
    interval = wilson_interval(round(value * images), images)
    return Measurement(
        value=value,
        direction=direction,
        interval=interval,
        protocol={**protocol, "interval": "95 % Wilson, over images"},
    )


def wilson_interval(successes: int, trials: int) -> tuple[float, float]:
    """95 % interval of a probability from `successes` of `trials` independent draws, within [0, 1].

    Wilson 1927, "Probable inference, the law of succession, and statistical inference".
    """
    z = 1.959963984540054
    centre, shrink = (successes + z * z / 2) / trials, 1 + z * z / trials
    half = z / trials * math.sqrt(successes * (trials - successes) / trials + z * z / 4)
    return max(0.0, (centre - half) / shrink), min(1.0, (centre + half) / shrink)


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
