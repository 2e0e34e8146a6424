"""Lines of a study's plots: means over replicates with their t intervals."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from sparring.study.engine.results import Results, Tag
from sparring.study.stats.statistics import t_interval
from sparring.study.tables.analysis import Line, Plot


def mean_line(label: str, points: Sequence[Sequence[float]]) -> Line:
    """points: for each x, one value per replicate; NaN for a replicate that failed."""
    known = [[value for value in each if not math.isnan(value)] for each in points]
    intervals = [t_interval(each) for each in known]
    return Line(
        label=label,
        y=tuple(float(np.mean(each)) if each else math.nan for each in known),
        low=tuple(each.low for each in intervals),
        high=tuple(each.high for each in intervals),
    )


def class_line(label: str, results: Results, *metric: str, scale: float = 1.0, **tags: Tag) -> Line:
    """A line over classes from an entry of result.json that holds one value per class (null where a class has no images).

    Take `x=class_names` for its plot, which makes bars of it. Empty where every replicate failed.
    """
    rows = []
    for each in results.find(**tags):
        rows.append([math.nan if value is None else scale * value for value in each.get(*metric)])
    return mean_line(label, list(zip(*rows, strict=True)))


def kept_plot(points: Mapping[str, Sequence[tuple[float, list[float]]]], *, title: str, whole: str) -> Plot:
    """points: by rule, (mean kept share, accuracies of the replicates); the rule `whole` is the end of every curve.

    x is the kept share in %, one place per point of any rule; a rule has no value where it has no point.
    """
    ends = list(points.get(whole, []))
    x = sorted({round(100 * share, 1) for each in points.values() for share, _ in each})
    lines = []
    for rule, own in points.items():
        if rule == whole:
            continue
        found = {round(100 * share, 1): values for share, values in [*own, *ends]}
        lines.append(mean_line(rule, [found.get(place, []) for place in x]))
    lines = [line for line in lines if not all(math.isnan(y) for y in line.y)]
    note = "Means and 95 % t intervals over replicates; the right end of every curve is the whole pool."
    return Plot(title, "kept share of the pool, %", "test accuracy, %", tuple(x), tuple(lines), note=note)
