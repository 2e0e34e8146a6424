"""Plots of a study: means over replicates with their t intervals, over settings, arms or classes."""

import math
from collections.abc import Mapping, Sequence

from sparring.study.engine.cell import Tag
from sparring.study.engine.results import TEST_ACCURACY, Results
from sparring.study.stats import statistics
from sparring.study.tables.analysis import Line, Plot

NOTE = "Means and 95 % t intervals over replicates; intervals of single arms, not of the paired differences."
ACCURACY_LABEL = "test accuracy, %"


def mean_line(label: str, points: Sequence[Sequence[float]]) -> Line:
    """points: for each x, one value per replicate; NaN for a replicate that failed."""
    intervals = [statistics.t_interval(statistics.finite(each)) for each in points]
    return Line(
        label=label,
        y=tuple(statistics.mean(each) for each in points),
        low=tuple(each.low for each in intervals),
        high=tuple(each.high for each in intervals),
    )


def settings_plot(
    values: Mapping[str, Sequence[Sequence[float]]],
    settings: Sequence[float],
    *,
    title: str,
    x_label: str,
    y_label: str = ACCURACY_LABEL,
) -> Plot:
    """Curves over numeric settings, one per arm; bars over the arms where there is one setting.

    Args:
        values: arm -> for each setting, one value per replicate.
        settings: the x-axis, logarithmic.
        title: of the plot.
        x_label: what the settings are.
        y_label: what the values are.
    """
    if len(settings) > 1:
        lines = tuple(mean_line(arm, points) for arm, points in values.items())
        return Plot(title, x_label, y_label, tuple(map(float, settings)), lines, log_x=True, note=NOTE)
    return arms_plot({arm: points[0] for arm, points in values.items()}, title=title, y_label=y_label)


def arms_plot(values: Mapping[str, Sequence[float]], *, title: str, y_label: str = ACCURACY_LABEL) -> Plot:
    """Bars over arms. values: arm -> one value per replicate."""
    line = mean_line(y_label.removesuffix(", %"), list(values.values()))
    return Plot(title, "", y_label, tuple(values), (line,), note=NOTE)


def labels_plot(
    results: Results, arms: Sequence[str], labels: Sequence[int], *, title: str = "Accuracy by number of labels"
) -> Plot:
    """Test accuracy of arms over labels per class; over the arms where there is one count."""
    values = {arm: [results.values(*TEST_ACCURACY, scale=100, arm=arm, labels=n) for n in labels] for arm in arms}
    title = title if len(labels) > 1 else "Accuracy of each arm"
    return settings_plot(values, labels, title=title, x_label="labels per class")


def class_names(results: Results, **tags: Tag) -> tuple[str, ...]:
    """Names of the classes, from a classifier with these tags; empty where none finished."""
    cells = results.find(**tags)
    return tuple(map(str, cells[0].get("classes"))) if cells else ()


def class_line(label: str, results: Results, *metric: str, scale: float = 1.0, **tags: Tag) -> Line:
    """A line over classes from an entry of result.json that holds one value per class (null where a class has no images).

    Its plot has the class names as x, and so shows bars. Empty where every replicate failed.
    """
    rows = []
    for each in results.find(**tags):
        rows.append([math.nan if value is None else scale * value for value in each.get(*metric)])
    return mean_line(label, list(zip(*rows, strict=True)))


def class_plot(
    results: Results,
    arms: Sequence[str],
    *,
    title: str,
    y_label: str = ACCURACY_LABEL,
    more: Sequence[Line] = (),
    **tags: Tag,
) -> list[Plot]:
    """Bars of the accuracy by class; no plot where no run of the first arm finished.

    Args:
        results: of the study.
        arms: each a group of bars; the first one names the classes.
        title: of the plot.
        y_label: what the values are.
        more: further groups of bars.
        tags: of the arms' cells.
    """
    names = class_names(results, arm=arms[0], **tags)
    if not names:
        return []
    path = ("classification", "test", "per_class")
    lines = [class_line(arm, results, *path, scale=100, arm=arm, **tags) for arm in dict.fromkeys(arms)]
    return [Plot(title, "class", y_label, names, (*lines, *more), note=NOTE)]


def kept_share_plot(points: Mapping[str, Sequence[tuple[float, list[float]]]], *, title: str, whole: str) -> Plot:
    """Accuracy over the share of a pool that a rule keeps.

    Args:
        points: by rule, (mean kept share in (0, 1], accuracies of the replicates); NaN is drawn as a gap.
        title: of the plot.
        whole: the rule that keeps everything; it is the right end of every curve.
    """
    ends = list(points.get(whole, []))
    x = sorted({round(100 * share, 1) for each in points.values() for share, _ in each})
    lines = []
    for rule, own in points.items():
        if rule == whole:
            continue
        by_share = {round(100 * share, 1): values for share, values in [*own, *ends]}
        lines.append(mean_line(rule, [by_share.get(share, []) for share in x]))
    lines = [line for line in lines if not all(math.isnan(y) for y in line.y)]
    note = "Means and 95 % t intervals over replicates; the right end of every curve is the whole pool."
    return Plot(title, "kept share of the pool, %", ACCURACY_LABEL, tuple(x), tuple(lines), note=note)
