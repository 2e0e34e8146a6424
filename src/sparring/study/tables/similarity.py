"""How quality and usefulness of the same checkpoints rank: what `similarity_stop` computes, as functions of plain numbers."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from sparring.metric.suite import METRICS
from sparring.study.stats.statistics import Correlation, spearman, t_interval
from sparring.study.stats.verdict import ENOUGH
from sparring.study.tables.analysis import Table, interval, number
from sparring.study.tables.published import anchor_table

Grid = list[list[float]]  # per replicate, per checkpoint; NaN where a cell failed


def rank_correlation(metric: str, quality: Grid, accuracy: Grid) -> Correlation:
    """Of quality, turned so that larger is better, with accuracy; whole replicates are resampled."""
    triples = [
        (q, a, replicate)
        for replicate, (qs, accuracies) in enumerate(zip(quality, accuracy, strict=True))
        for q, a in zip(_turned(metric, qs), accuracies, strict=True)
        if not math.isnan(q + a)
    ]
    if not triples:
        return Correlation(math.nan, t_interval([]), 0)
    x, y, units = zip(*triples, strict=True)
    return spearman(x, y, units)


def correlation_table(
    correlations: Mapping[tuple[str, str], Correlation],
    quality: Mapping[str, Grid],
    accuracy: Mapping[str, Grid],
    *,
    uses: Mapping[str, str],
) -> Table:
    """A row per (metric, use). uses: in words."""
    rows = []
    for (metric, use), it in correlations.items():
        pairs = [(_turned(metric, qs), acc) for qs, acc in zip(quality[metric], accuracy[use], strict=True)]
        within = within_each(metric, quality[metric], accuracy[use])
        spread = t_interval(within)
        best = [(best_place(qs, higher=True), best_place(acc, higher=True)) for qs, acc in pairs]
        same = sum(a == b is not None for a, b in best)
        rows.append((
            f"{metric} ({METRICS[metric][0]})", uses[use], number(mean(within)), interval(spread.low, spread.high),
            number(it.rho), interval(it.interval.low, it.interval.high), f"{same}/{it.units}",
        ))  # fmt: skip
    head = ("quality", "classifier trained", "within a GAN", "95 % t", "all checkpoints", "bootstrap", "same best")
    return Table(
        "Does better quality rank with a better classifier?", head, tuple(rows),
        "Spearman's rank correlation of quality, turned so that larger is better, with test accuracy: 1 if they always agree, 0 "
        "if they have nothing to do with each other. First the mean of the correlations within each replicate's GAN, by which "
        "the answer goes; then over all checkpoints of all replicates (bootstrap of whole replicates: short with few of them). "
        "Same best: GANs whose best checkpoint by quality also gave the best classifier.",
    )  # fmt: skip


def published(correlations: Mapping[tuple[str, str], Correlation]) -> Table:
    """Published correlations beside ours, which are shown as the papers do: the metric as it is, not turned."""
    ours = {}
    for entry, metric in (("cas_fd", "fd"), ("cas_is", "is")):
        it = correlations.get((metric, "alone"))
        if it is not None and not math.isnan(it.rho):
            rho = it.rho if METRICS[metric][1] else -it.rho
            ours[entry] = f"{number(rho)} (rank correlation of {metric}, not turned)"
    return anchor_table("similarity_stop", ours)


def within_each(metric: str, quality: Grid, accuracy: Grid) -> list[float]:
    """Rank correlation over the checkpoints of each replicate's GAN, those left out that have none."""
    pairs = [(_turned(metric, qs), accuracies) for qs, accuracies in zip(quality, accuracy, strict=True)]
    return [rho for qs, accuracies in pairs if not math.isnan(rho := _rho(qs, accuracies))]


def in_words(within: Sequence[float], metric: str) -> str:
    """Whether the correlations within GANs are above or below zero, in one sentence.

    By their t interval: GANs are independent of each other, checkpoints of one are not.
    """
    it = t_interval(within)
    seen = f"rank correlation of {metric} with accuracy within a GAN, mean of {len(within)}: {number(mean(within))} "
    seen += interval(it.low, it.high)
    if len(within) < ENOUGH:
        return f"Too few GANs to tell whether quality and usefulness rank alike ({seen})."
    if it.low > 0:
        return f"Better quality goes with a better classifier ({seen})."
    if it.high < 0:
        return f"Better quality goes with a worse classifier ({seen})."
    return f"No evidence that quality and usefulness rank alike ({seen})."


def best_place(values: Sequence[float], *, higher: bool) -> int | None:
    """Place of the best value, the first of equals; None where none is known."""
    known = [(value if higher else -value, -place) for place, value in enumerate(values) if not math.isnan(value)]
    return -max(known)[1] if known else None


def at(values: Sequence[float], place: int | None) -> float:
    """The value there; NaN for no place."""
    return math.nan if place is None else values[place]


def mean(values: Sequence[float]) -> float:
    """Of the known values; NaN of none."""
    known = [value for value in values if not math.isnan(value)]
    return float(np.mean(known)) if known else math.nan


def _turned(metric: str, values: Sequence[float]) -> list[float]:
    return [value if METRICS[metric][1] else -value for value in values]


def _rho(x: Sequence[float], y: Sequence[float]) -> float:
    pairs = [(a, b) for a, b in zip(x, y, strict=True) if not math.isnan(a + b)]
    return spearman(*zip(*pairs, strict=True), resamples=1).rho if len(pairs) > 2 else math.nan
