"""Sentences, tables and commands of `learning_rate`, from plain numbers."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from sparring.core.wording import listing
from sparring.study.cells.axis import Axis
from sparring.study.cells.rates import rate_overrides
from sparring.study.search.halving import share_of_full
from sparring.study.stats import statistics
from sparring.study.stats.rates import (
    CHECKS,
    COLLAPSED,
    WORSE,
    Objective,
    Outcome,
    Recommendation,
    Setting,
    edge,
    fills_grid,
    flat_range,
    within,
)
from sparring.study.tables.analysis import Line, Plot, Table
from sparring.study.tables.grids import Text
from sparring.study.tables.rate_grids import Rates, at_words, counts, mean_of, show
from sparring.study.tables.recipe import training_texts
from sparring.study.tables.trainings import TrainingCurves, gaussian_sentence

DEFINITIONS = (
    f"Collapsed: images of a class hardly differ at the end (variance below {COLLAPSED:g} of real images'), and once did.",
    f"Diverged: a value was NaN or infinite, or fd was worse than {WORSE:g} times its best at the last {CHECKS} measurements; a "
    "classifier: it fell back to chance.",
    "Never learned: at the end fd is worse than that of a Gaussian per class, fitted to the training images in pixel space, or "
    "samples show the class asked for hardly more often than by chance; a classifier: its accuracy is hardly above chance.",
)
MOST_LINES = 6  # curves of one plot


def conclusion(
    settings: Sequence[Setting], found: Recommendation | None, axes: Sequence[Axis], objective: Objective, *, steps: int
) -> str:
    """What to train at, how sure that is, how flat the optimum is, and whether the grid was wide enough."""
    if found is None:
        ends = counts([outcome for each in settings for outcome in each.outcomes])
        return f"No setting trained within {steps} iterations ({ends}): give other rates, or more study.steps."
    best = settings[found.index]
    words = [
        f"Train at {_at(axes, best.rates)}: {objective.name} {show(objective, found.mean)} "
        f"{_interval(objective, found)} after {steps} iterations, mean of {len(best.held)} seeds."
    ]
    share = best.share(Outcome.TRAINED)
    if share < 1:
        words.append(f"Even there only {share:.0%} of the seeds trained ({counts(best.outcomes)}).")
    words += [_lost(settings)]
    words.append(_flatness(settings, found, axes))
    words += _edges(axes, best.rates)
    return " ".join(words)


def _lost(settings: Sequence[Setting]) -> str:
    lost = [each for each in settings if each.share(Outcome.TRAINED) < 1]
    if not lost:
        return "Every setting trained in every seed."
    how = counts([outcome for each in lost for outcome in each.outcomes if outcome is not Outcome.TRAINED])
    return f"In {len(lost)} of {len(settings)} settings not every seed trained ({how})."


def _interval(objective: Objective, found: Recommendation) -> str:
    low, high = (show(objective, value) for value in (found.interval.low, found.interval.high))
    return "" if math.isnan(found.interval.low) else f"[{low}, {high}]"


def _flatness(settings: Sequence[Setting], found: Recommendation, axes: Sequence[Axis]) -> str:
    if math.isnan(found.interval.low):
        return "How flat the optimum is cannot be said: no setting trained in two seeds."
    several = len(found.flat) - 1
    others = {0: "No other setting is", 1: "1 other setting is"}.get(several, f"{several} other settings are")
    ranges = [flat_range(settings, found, k) for k in range(len(axes))]
    spans = [
        f"{axis.short} {low:g}" + (f" to {high:g}" if high > low else " alone")
        for axis, (low, high) in zip(axes, ranges, strict=True)
    ]
    if fills_grid(settings):
        return f"{others} within that interval; along each axis through the best: {', '.join(spans)}."
    if not several:
        return f"{others} within that interval, so how far a rate may be from the best cannot be said: give more study.trials."
    tried = within(settings, ranges)
    inside = (
        f"{len(found.flat)} of the {tried} settings tried in that box"
        if tried > len(found.flat)
        else "all that were tried there"
    )
    return f"{others} within that interval; with the best they span {', '.join(spans)} ({inside})."


def _edges(axes: Sequence[Axis], rates: Rates) -> list[str]:
    """A warning where the best lies on the border of the grid, with the settings that extend it; nothing elsewhere."""
    ranges = [(axis, rate) for axis, rate in zip(axes, rates, strict=True) if not axis.listed]
    beyond = [(axis, found) for axis, rate in ranges if (found := edge(axis.rates, rate))]
    if not beyond:
        return []
    places = ", ".join(f"{axis.short} {at:g}" for axis, (at, _) in beyond)
    wider = [(axis.setting, sorted({*axis.rates, further})) for axis, (_, further) in beyond]
    words = " ".join(f"{name}=[{','.join(f'{rate:g}' for rate in more)}]" for name, more in wider)
    return [
        f"The best lies on the border of the grid ({places}), so a better one may lie beyond it: extend with {words}."
    ]


def settings_table(
    settings: Sequence[Setting], found: Recommendation | None, axes: Sequence[Axis], objective: Objective
) -> Table:
    """A row per setting, the best first; those that lost more of their seeds last."""

    def order(each: Setting) -> tuple[float, float]:
        mean = statistics.mean([objective.scale(value) for value in each.held])
        return (-each.share(Outcome.TRAINED) if each.held else 1, math.inf if math.isnan(mean) else mean)

    rows = []
    for each in sorted(settings, key=order):
        chosen = found is not None and each is settings[found.index]
        flat = found is not None and any(each is settings[i] for i in found.flat)
        rows.append((
            at_words(axes, each.rates),
            show(objective, mean_of(objective, each.held)), ", ".join(show(objective, value) for value in each.final),
            show(objective, mean_of(objective, each.best)), counts(each.outcomes),
            "recommended" if chosen else "within its interval" if flat else "",
        ))  # fmt: skip
    name = objective.name
    head = ("setting", f"{name} at the end", "each seed", f"best {name} on the way", "outcomes", "")
    own = ", ".join(f"{axis.short} {axis.own:g}" for axis in axes)
    better = "Higher" if objective.higher else "Lower"
    kind = "geometric means" if objective.ratios else "means"
    pruned = any(Outcome.PRUNED in each.outcomes for each in settings)
    note = " Of seeds that were pruned the last measurement." if pruned else ""
    return Table(
        "The settings, best first", head, tuple(rows),
        f"{better} is better; {kind} over the seeds that trained. The recipe's own: {own}.{note}",
    )  # fmt: skip


def quality_plot(
    settings: Sequence[Setting],
    curves: Mapping[Rates, Sequence[TrainingCurves]],
    axes: Sequence[Axis],
    objective: Objective,
    found: Recommendation | None,
) -> list[Plot]:
    """Mean quality over images seen of the best settings; none where nothing trained."""
    if found is None:
        return []
    ranked = sorted(
        (each for each in settings if each.held), key=lambda each: objective.scale(mean_of(objective, each.held))
    )
    x = max((run.images_seen for each in ranked for run in curves[each.rates]), key=len, default=())
    lines = []
    for each in ranked[:MOST_LINES]:
        runs = [dict(zip(run.images_seen, run.quality, strict=True)) for run in curves[each.rates]]
        y = [mean_of(objective, [run[at] for run in runs if at in run]) for at in x]
        lines.append(Line(at_words(axes, each.rates), tuple(y)))
    better = "higher is better" if objective.higher else "lower is better"
    note = f"Means over seeds; the {len(lines)} best of {len(settings)} settings." if len(x) > 1 else ""
    return [Plot("Quality by images seen", "images seen", f"{objective.name}, {better}", x, tuple(lines), note=note)]


def texts(recipe: Sequence[str], axes: Sequence[Axis], rates: Rates, steps: int) -> list[Text]:
    """The command that trains at the recommended rates, and the same as a file of the configuration.

    steps: of the recipe's own batch; another batch sees as many images.
    """
    scale = math.prod(axis.iterations(rate) for axis, rate in zip(axes, rates, strict=True))
    return training_texts(
        [*recipe, f"trainer.max_steps={max(1, round(steps * scale))}", *rate_overrides(axes, rates)],
        name="learning_rate",
    )


def limits(
    runs: Sequence[TrainingCurves], objective: Objective, *, steps: int, samples: int, features: str
) -> list[str]:
    """What the numbers of the study hold for. samples, features: that fd was measured on."""
    measured = (
        f"fd is measured on {samples} samples against val with features `{features}`."
        if objective.name == "fd"
        else "Accuracy is that on val; test is not read for a choice."
    )
    return [
        measured,
        *gaussian_sentence(runs, objective.name),
        f"The numbers hold for {steps} iterations: a longer training usually wants a smaller rate.",
        "The recommended setting is the best of all that were tried, so its quality is somewhat optimistic; its interval is "
        "the 95 % t interval of a mean over seeds, with the variance between seeds pooled over all settings.",
        *DEFINITIONS,
    ]


def pruned_sentence(alive: Sequence[int], rungs: Sequence[int]) -> str:
    """How many settings were trained how long, and what that cost.

    Args:
        alive: settings at each rung. rungs: iterations at the end of each.
    """
    counted = listing([f"{n} for {steps}" for n, steps in zip(alive, rungs, strict=False)])
    share = share_of_full(alive, rungs)
    return f" Pruned: of the settings {counted} iterations, {share:.0%} of what training all to the end would cost."


def numbers(
    settings: Sequence[Setting],
    found: Recommendation | None,
    axes: Sequence[Axis],
    objective: Objective,
    *,
    cost: float,
) -> dict[str, Any]:
    """For result.json. cost: iterations trained over those without pruning."""
    best = None if found is None else settings[found.index]
    return {
        "objective": objective.name,
        "share_of_full_cost": cost,
        "axes": {axis.key: list(axis.rates) for axis in axes},
        "settings": [
            {
                "rates": list(each.rates), "outcomes": [str(outcome) for outcome in each.outcomes],
                "final": list(each.final), "best": list(each.best),
            }
            for each in settings
        ],
        "recommended": found
        and best
        and {
            "rates": {axis.key: rate for axis, rate in zip(axes, best.rates, strict=True)},
            "mean": found.mean, "interval": [found.interval.low, found.interval.high],
            "within_interval": [list(settings[i].rates) for i in found.flat],
        },
    }  # fmt: skip


def _at(axes: Sequence[Axis], rates: Rates) -> str:
    return " and ".join(f"{axis.words} {rate:g}" for axis, rate in zip(axes, rates, strict=True))
