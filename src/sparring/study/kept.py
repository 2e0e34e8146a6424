"""A plot of accuracy against the share of a pool that rules keep."""

import math
from collections.abc import Mapping, Sequence

from sparring.study.analysis import Plot
from sparring.study.curve import mean_line


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
