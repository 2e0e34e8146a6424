"""Numbers as the tables and sentences of a study print them."""

import math
from collections.abc import Sequence

from sparring.study.stats import statistics
from sparring.study.stats.statistics import Interval

DASH = "–"


def number(value: float, digits: int = 2) -> str:
    """Rounded, with a typographic minus sign; a dash for NaN."""
    if math.isnan(value):
        return DASH
    if not math.isfinite(value):
        return "∞"
    text = f"{value:.{digits}f}"
    return text.replace("-", "−") if float(text) else text.removeprefix("-")


def signed(value: float) -> str:
    """With its sign."""
    text = number(value)
    return f"+{text}" if value > 0 and float(text) else text


def mean_std(values: Sequence[float], digits: int = 2) -> str:
    """Mean ± standard deviation over the replicates that finished; the mean alone of one value, a dash of none."""
    mean, std = statistics.mean(values), statistics.std(values)
    return number(mean, digits) if math.isnan(std) else f"{number(mean, digits)} ± {number(std, digits)}"


def interval_text(interval: Interval, digits: int = 2) -> str:
    """[low, high]; a dash for an undefined interval."""
    if math.isnan(interval.low):
        return DASH
    return f"[{number(interval.low, digits)}, {number(interval.high, digits)}]"


def p_text(p: float) -> str:
    """A p-value to three digits; a dash for NaN."""
    return DASH if math.isnan(p) else "< 0.001" if p < 0.001 else f"{p:.3f}"
