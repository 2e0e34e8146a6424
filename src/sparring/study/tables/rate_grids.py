"""Heat maps and small multiples of `learning_rate`, and its values as text, from plain numbers."""

import math
from collections.abc import Mapping, Sequence

from sparring.study.cells.axis import Axis
from sparring.study.stats import statistics
from sparring.study.stats.rates import Objective, Outcome, Setting
from sparring.study.tables.grids import Grid, HeatMap, Multiples, SmallCurve, SmallPicture
from sparring.study.tables.text import DASH, number
from sparring.study.tables.trainings import TrainingCurves

Rates = tuple[float, ...]
FD = Objective("fd", higher=False, ratios=True)
MOST = 6  # settings shown where they form no grid
MULTIPLES_NOTE = (
    "A line per seed, over images seen; every chart of a kind has the same axes. Samples: the first seed's, at its end."
)


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
        values = _by_place(grid, [value_of(each) for each in settings])
        texts = tuple(tuple(show(objective, value) for value in row) for row in values)
        note = "Over the seeds that trained." if title == "at the end" else "Over all seeds, whatever became of them."
        maps.append(HeatMap(f"{objective.name}, {title}", grid, values, texts, good, objective.ratios, note))  # type: ignore[arg-type]
    for outcome in (Outcome.COLLAPSED, Outcome.DIVERGED, Outcome.NEVER_LEARNED):
        values = _by_place(grid, [each.share(outcome) for each in settings])
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
    grid = grid_of(axes, marked)
    cells = [small_picture(each, curves[each.rates], objective) for each in settings]
    width = len(grid.columns)
    rows = tuple(tuple(cells[at : at + width]) for at in range(0, len(cells), width))
    return Multiples("Losses, quality and final samples at each setting", grid, rows, MULTIPLES_NOTE)


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


def best_multiples(
    settings: Sequence[Setting],
    curves: Mapping[Rates, Sequence[TrainingCurves]],
    axes: Sequence[Axis],
    objective: Objective,
    marked: Rates | None,
) -> Multiples | None:
    """The losses and the samples of the MOST best settings in a row; None where nothing trained."""
    held = [each for each in settings if each.held]
    best = sorted(held, key=lambda each: objective.scale(mean_of(objective, each.held)))[:MOST]
    if not best:
        return None
    names = tuple(at_words(axes, each.rates) for each in best)
    place = next(((0, i) for i, each in enumerate(best) if each.rates == marked), None)
    return Multiples(
        "Losses, quality and final samples of the best settings", Grid("", "setting", ("",), names, place),
        (tuple(small_picture(each, curves[each.rates], objective) for each in best),), MULTIPLES_NOTE,
    )  # fmt: skip


def at_words(axes: Sequence[Axis], rates: Rates) -> str:
    """G 0.002, D 0.0005."""
    return ", ".join(f"{axis.short} {rate:g}" for axis, rate in zip(axes, rates, strict=True))


def grid_of(axes: Sequence[Axis], marked: Rates | None) -> Grid:
    """Of the one or two axes that have several values: rows are the first, columns the last."""
    several = [k for k, axis in enumerate(axes) if len(axis.rates) > 1]
    rows, columns = (axes[several[0]] if len(several) > 1 else None), axes[several[-1]]
    place = None
    if marked is not None:
        place = (rows.rates.index(marked[several[0]]) if rows else 0, columns.rates.index(marked[several[-1]]))
    return Grid(
        rows.words if rows else "", columns.words, tuple(f"{rate:g}" for rate in rows.rates) if rows else ("",),
        tuple(f"{rate:g}" for rate in columns.rates), place,
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


def _by_place(grid: Grid, values: Sequence[float]) -> tuple[tuple[float, ...], ...]:
    width = len(grid.columns)
    return tuple(tuple(values[at : at + width]) for at in range(0, len(values), width))
