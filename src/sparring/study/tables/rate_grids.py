"""Heat maps and small multiples of `learning_rate`, and its values as text, from plain numbers."""

import math
from collections.abc import Mapping, Sequence

from sparring.study.cells.rates import Axis
from sparring.study.stats import statistics
from sparring.study.stats.rates import Objective, Outcome, Setting
from sparring.study.tables.grids import Grid, HeatMap, Multiples, SmallCurve, SmallPicture
from sparring.study.tables.text import DASH, number
from sparring.study.tables.trainings import TrainingCurves

Rates = tuple[float, ...]
FD = Objective("fd", higher=False, ratios=True)


def heat_maps(
    settings: Sequence[Setting], axes: Sequence[Axis], objective: Objective, marked: Rates | None
) -> list[HeatMap]:
    """Final and best quality, and the shares of seeds that did not train, where there are any."""
    grid, good = grid_of(axes, marked), "high" if objective.higher else "low"
    maps = []
    for title, value_of in (
        ("at the end", lambda each: mean_of(objective, each.held)),
        ("best on the way", lambda each: mean_of(objective, each.best)),
    ):
        values = _by_place(axes, [value_of(each) for each in settings])
        texts = tuple(tuple(show(objective, value) for value in row) for row in values)
        note = "Over the seeds that trained." if title == "at the end" else "Over all seeds, whatever became of them."
        maps.append(HeatMap(f"{objective.name}, {title}", grid, values, texts, good, objective.ratios, note))  # type: ignore[arg-type]
    for outcome in (Outcome.COLLAPSED, Outcome.DIVERGED, Outcome.NEVER_LEARNED):
        values = _by_place(axes, [each.share(outcome) for each in settings])
        if any(value > 0 for row in values for value in row):
            texts = tuple(tuple(DASH if math.isnan(v) else f"{v:.0%}" for v in row) for row in values)
            maps.append(HeatMap(f"Share of the seeds: {outcome}", grid, values, texts, "warn"))
    return maps


def multiples(
    settings: Sequence[Setting],
    curves: Mapping[Rates, Sequence[TrainingCurves]],
    axes: Sequence[Axis],
    objective: Objective,
    marked: Rates | None,
) -> Multiples:
    """The losses and the samples, in the same grid."""
    cells = [small_picture(each, curves[each.rates], objective) for each in settings]
    width = len(axes[-1].rates)
    rows = tuple(tuple(cells[at : at + width]) for at in range(0, len(cells), width))
    return Multiples(
        "Losses, quality and final samples at each setting", grid_of(axes, marked), rows,
        "A line per seed, over images seen; every chart of a kind has the same axes. Samples: the first seed's, at its end.",
    )  # fmt: skip


def small_picture(setting: Setting, runs: Sequence[TrainingCurves], objective: Objective) -> SmallPicture:
    """What one setting shows: losses and quality of each of its trainings, the first one's samples."""
    lines = []
    for run in runs:
        for series in run.losses:
            x, y = thinned(series.images_seen, series.values)
            lines.append(SmallCurve(series.name.partition("/")[2].replace("_", " "), "losses", x, y))
        scaled = [math.log10(max(value, 1e-12)) if objective.ratios else value for value in run.quality]
        kept = [(x, y) for x, y in zip(run.images_seen, scaled, strict=True) if math.isfinite(y)]
        name = f"{objective.name} (logarithmic)" if objective.ratios else objective.name
        lines.append(SmallCurve(name, objective.name, tuple(x for x, _ in kept), tuple(y for _, y in kept)))
    picture = runs[0].picture
    return SmallPicture(
        state=counts(setting.outcomes), good=setting.share(Outcome.TRAINED) == 1,
        text=f"{objective.name} {show(objective, mean_of(objective, setting.held))}",
        picture="" if picture is None else "/".join(picture.parts[-5:]), curves=tuple(lines),
    )  # fmt: skip


def grid_of(axes: Sequence[Axis], marked: Rates | None) -> Grid:
    """Rows are the first axis where there are two, columns the last."""
    rows = axes[0] if len(axes) > 1 else None
    place = None
    if marked is not None:
        place = (rows.rates.index(marked[0]) if rows else 0, axes[-1].rates.index(marked[-1]))
    return Grid(
        rows.words if rows else "", axes[-1].words, tuple(f"{rate:g}" for rate in rows.rates) if rows else ("",),
        tuple(f"{rate:g}" for rate in axes[-1].rates), place,
    )  # fmt: skip


def show(objective: Objective, value: float) -> str:
    """A value of the objective as text."""
    if math.isnan(value):
        return DASH
    return number(100 * value, 1) + " %" if not objective.ratios else f"{value:.3g}"


def mean_of(objective: Objective, values: Sequence[float]) -> float:
    """Mean of the finite values on the objective's scale; NaN without one."""
    finite = [objective.scale(value) for value in values if math.isfinite(value)]
    return objective.unscale(statistics.mean(finite)) if finite else math.nan


def counts(outcomes: Sequence[Outcome]) -> str:
    """2 trained, 1 collapsed."""
    return ", ".join(f"{outcomes.count(each)} {each}" for each in Outcome if each in outcomes)


def thinned(x: Sequence[float], y: Sequence[float], most: int = 60) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """At most `most` of the points, evenly; the last one among them."""
    step = max(1, math.ceil(len(x) / most))
    chosen = sorted({*range(0, len(x), step), len(x) - 1}) if x else []
    return tuple(x[i] for i in chosen), tuple(y[i] for i in chosen)


def _by_place(axes: Sequence[Axis], values: Sequence[float]) -> tuple[tuple[float, ...], ...]:
    width = len(axes[-1].rates)
    return tuple(tuple(values[at : at + width]) for at in range(0, len(values), width))
