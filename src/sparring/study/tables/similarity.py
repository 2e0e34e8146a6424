"""How quality and usefulness of the same checkpoints rank: the computations of `similarity_stop` on plain numbers."""

import math
from collections.abc import Mapping, Sequence

from sparring.metric.suite import METRICS
from sparring.study.stats import statistics
from sparring.study.stats.spearman import Correlation, spearman
from sparring.study.stats.verdict import MIN_REPLICATES
from sparring.study.tables.analysis import Plot, Table
from sparring.study.tables.plots import ACCURACY_LABEL, mean_line
from sparring.study.tables.published import published_table
from sparring.study.tables.text import interval_text, number

NOTE = "Means and 95 % t intervals over replicates."
X_LABEL = "iteration of the GAN"
Grid = list[list[float]]  # per replicate, per checkpoint; NaN where a cell failed


def rank_correlation(metric: str, quality: Grid, accuracy: Grid) -> Correlation:
    """Of quality, oriented so that larger is better, with accuracy; whole replicates are resampled."""
    triples = [
        (q, a, replicate)
        for replicate, (qs, accuracies) in enumerate(zip(quality, accuracy, strict=True))
        for q, a in zip(oriented(metric, qs), accuracies, strict=True)
        if not math.isnan(q + a)
    ]
    if not triples:
        return Correlation(math.nan, statistics.UNDEFINED, 0)
    x, y, units = zip(*triples, strict=True)
    return spearman(x, y, units)


def within_replicates(metric: str, quality: Grid, accuracy: Grid) -> list[float]:
    """Rank correlation over the checkpoints of each replicate's GAN; replicates without one are left out."""
    correlations = [_rho(oriented(metric, qs), accuracies) for qs, accuracies in zip(quality, accuracy, strict=True)]
    return [rho for rho in correlations if not math.isnan(rho)]


def correlation_table(
    correlations: Mapping[tuple[str, str], Correlation],
    quality: Mapping[str, Grid],
    accuracy: Mapping[str, Grid],
    *,
    uses: Mapping[str, str],
) -> Table:
    """A row per metric and use.

    Args:
        correlations: (metric, use) -> over all checkpoints of all replicates.
        quality: by metric.
        accuracy: by use.
        uses: use -> in words.
    """
    rows = []
    for (metric, use), correlation in correlations.items():
        within = within_replicates(metric, quality[metric], accuracy[use])
        best = [
            (best_checkpoint(oriented(metric, qs)), best_checkpoint(accuracies))
            for qs, accuracies in zip(quality[metric], accuracy[use], strict=True)
        ]
        same = sum(a == b is not None for a, b in best)
        rows.append((
            f"{metric} ({METRICS[metric][0]})", uses[use], number(statistics.mean(within)),
            interval_text(statistics.t_interval(within)), number(correlation.rho), interval_text(correlation.interval),
            f"{same}/{correlation.units}",
        ))  # fmt: skip
    head = ("quality", "classifier trained", "within a GAN", "95 % t", "all checkpoints", "bootstrap", "same best")
    return Table(
        "Does better quality rank with a better classifier?", head, tuple(rows),
        "Spearman's rank correlation of quality, oriented so that larger is better, with test accuracy: 1 if they always agree, "
        "0 if they are unrelated. First the mean of the correlations within each replicate's GAN, on which the conclusion rests; "
        "then over all checkpoints of all replicates (bootstrap of whole replicates: too short an interval with few of them). "
        "Same best: GANs whose best checkpoint by quality also gave the best classifier.",
    )  # fmt: skip


def published_correlations(correlations: Mapping[tuple[str, str], Correlation]) -> Table:
    """Published correlations next to ours, which are shown as in the papers: the metric as it is, not oriented."""
    ours = {}
    for entry, metric in (("cas_fd", "fd"), ("cas_is", "is")):
        correlation = correlations.get((metric, "alone"))
        if correlation is not None and not math.isnan(correlation.rho):
            rho = correlation.rho if METRICS[metric][1] else -correlation.rho
            ours[entry] = f"{number(rho)} (rank correlation of {metric} as it is)"
    return published_table("similarity_stop", ours)


def checkpoints_table(
    iterations: Sequence[int], quality: Mapping[str, Grid], accuracy: Mapping[str, Grid], real: Sequence[float]
) -> Table:
    """A row per checkpoint: quality by metric and test accuracy by use, means over replicates.

    Args:
        iterations: of the checkpoints.
        quality: by metric.
        accuracy: by use, in %.
        real: accuracies of classifiers trained on the real images alone, in %.
    """
    grids = [*quality.values(), *accuracy.values()]
    rows = []
    for index, iteration in enumerate(iterations):
        means = [statistics.mean([row[index] for row in grid]) for grid in grids]
        rows.append((str(iteration), *[number(value, 3) for value in means]))
    head = ("iteration", *quality, *[f"test accuracy, % ({use})" for use in accuracy])
    return Table(
        "Quality and usefulness at each checkpoint", head, tuple(rows),
        "Means over replicates. Classifiers trained equally long on the real images alone: "
        f"{number(statistics.mean(real))} %.",
    )  # fmt: skip


def checkpoint_plots(
    iterations: Sequence[int],
    quality: Mapping[str, Grid],
    accuracy: Mapping[str, Grid],
    real: Sequence[float],
    *,
    uses: Mapping[str, str],
) -> list[Plot]:
    """Accuracy, and each metric of quality, over the GAN's iterations; arguments as above. uses: use -> in words."""
    x = tuple(map(float, iterations))
    lines = [mean_line(uses[use], list(zip(*grid, strict=True))) for use, grid in accuracy.items()]
    lines.append(mean_line("on real images alone", [real] * len(iterations)))
    plots = [
        Plot("Accuracy of the classifier by the GAN's iteration", X_LABEL, ACCURACY_LABEL, x, tuple(lines), note=NOTE)
    ]
    for metric, grid in quality.items():
        better = "higher is better" if METRICS[metric][1] else "lower is better"
        line = mean_line(metric, list(zip(*grid, strict=True)))
        title = f"Quality by the GAN's iteration: {metric}"
        plots.append(Plot(title, X_LABEL, f"{metric}, {better}", x, (line,), note=NOTE))
    return plots


def correlation_sentence(within: Sequence[float], metric: str) -> str:
    """Whether the correlations within GANs are above or below zero, in one sentence.

    By their t interval: GANs are independent of each other, checkpoints of one are not.
    """
    interval = statistics.t_interval(within)
    measured = (
        f"rank correlation of {metric} with accuracy within a GAN, mean of {len(within)}: {number(statistics.mean(within))} "
        f"{interval_text(interval)}"
    )
    if len(within) < MIN_REPLICATES:
        return f"Too few GANs to tell whether quality and usefulness rank alike ({measured})."
    if interval.low > 0:
        return f"Better quality goes with a better classifier ({measured})."
    if interval.high < 0:
        return f"Better quality goes with a worse classifier ({measured})."
    return f"No evidence that quality and usefulness rank alike ({measured})."


def best_checkpoint(values: Sequence[float]) -> int | None:
    """Index of the largest value, the first of equals; None where all are NaN."""
    ranked = [(value, -index) for index, value in enumerate(values) if not math.isnan(value)]
    return -max(ranked)[1] if ranked else None


def at(values: Sequence[float], index: int | None) -> float:
    """The value at an index; NaN for None."""
    return math.nan if index is None else values[index]


def oriented(metric: str, values: Sequence[float]) -> list[float]:
    """Values of a metric with the sign that makes larger better."""
    return [value if METRICS[metric][1] else -value for value in values]


def _rho(x: Sequence[float], y: Sequence[float]) -> float:
    pairs = [(a, b) for a, b in zip(x, y, strict=True) if not math.isnan(a + b)]
    return spearman(*zip(*pairs, strict=True), resamples=1).rho if len(pairs) > 2 else math.nan
