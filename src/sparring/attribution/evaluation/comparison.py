"""Means over images with their intervals, and whether a method beats a control."""

import math
from dataclasses import dataclass

from torch import Tensor

LEVEL = 0.95


@dataclass(frozen=True)
class MeanInterval:
    """A mean over images and its two-sided t interval; None for fewer than two images."""

    value: float
    low: float | None
    high: float | None

    def record(self) -> dict[str, float | None]:
        return {"value": self.value, "low": self.low, "high": self.high}


def mean_interval(values: Tensor, *, level: float = LEVEL) -> MeanInterval:
    """values: (N,), one per image."""
    from scipy.stats import t

    mean, n = float(values.double().mean()), len(values)
    if n < 2:
        return MeanInterval(mean, None, None)
    half = float(t.ppf((1 + level) / 2, n - 1)) * float(values.double().std()) / math.sqrt(n)
    return MeanInterval(mean, mean - half, mean + half)


def beats(difference: Tensor, *, comparisons: int) -> bool:
    """Whether the mean of the differences (N,), method minus control, is above 0 beyond chance.

    Args:
        comparisons: how many such questions are asked together; the level is shared among them (Bonferroni).
    """
    low = mean_interval(difference, level=1 - (1 - LEVEL) / comparisons).low
    return low is not None and low > 0
