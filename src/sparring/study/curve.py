"""Lines of a study's plots: means over replicates with their t intervals."""

import math
from collections.abc import Sequence

import numpy as np

from sparring.study.analysis import Line
from sparring.study.results import Results, Tag
from sparring.study.statistics import t_interval


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
