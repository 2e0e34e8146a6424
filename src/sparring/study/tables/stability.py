"""Sentences, tables and heat maps of `stability`, from plain numbers."""

import math
import statistics as plain
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sparring.report.curves import short
from sparring.study.stats.rates import WORSE, Outcome, Setting
from sparring.study.stats.stability import NEAR, Course, widest
from sparring.study.tables.analysis import Table
from sparring.study.tables.grids import Grid, HeatMap
from sparring.study.tables.rate_grids import FD, counts, mean_of, show
from sparring.study.tables.text import DASH

MULTIPLES_NOTE = (
    "A line per seed, over images seen; charts of a kind share their axes. Samples: of the first seed, at its end."
)
BAD = (Outcome.COLLAPSED, Outcome.DIVERGED, Outcome.NEVER_LEARNED)


@dataclass(frozen=True)
class RecipeCourse:
    """A recipe, such as "hinge, r1" or, where normalisations vary, "hinge, r1, spectral". Its trainings: per factor, per seed."""

    name: str
    settings: Sequence[Setting]
    courses: Sequence[Sequence[Course]]

    @property
    def all(self) -> list[Course]:
        """Those that ended by themselves: an error says nothing about the recipe."""
        return [each for row in self.courses for each in row if each.outcome is not Outcome.FAILED]

    @property
    def share(self) -> float:
        """Of its trainings that held."""
        return sum(each.outcome is Outcome.TRAINED for each in self.all) / len(self.all) if self.all else 0.0

    @property
    def best(self) -> int | None:
        """Index of the factor with the best mean at the end, among those that lost the fewest seeds; None where none trained."""
        held = [i for i, each in enumerate(self.settings) if each.held]
        return min(held, key=lambda i: (-self.settings[i].share(Outcome.TRAINED), self.quality(i)), default=None)

    def quality(self, i: int) -> float:
        """Geometric mean of fd at the end over the seeds that trained at a factor."""
        return mean_of(FD, self.settings[i].held)


def ranked(recipes: Sequence[RecipeCourse]) -> list[RecipeCourse]:
    """Those that held most often first, then those with the best quality."""

    def order(recipe: RecipeCourse) -> tuple[float, float]:
        return -recipe.share, math.inf if recipe.best is None else recipe.quality(recipe.best)

    return sorted(recipes, key=order)


def conclusion(recipes: Sequence[RecipeCourse], factors: Sequence[float], *, steps: int) -> str:
    """Which recipe held most often, which one was best, and what became of the others."""
    first, *_ = order = ranked(recipes)
    if first.best is None:
        ends = counts([each.outcome for recipe in recipes for each in recipe.all])
        return f"Nothing trained within {steps} iterations ({ends}): give other study.factors, or more study.steps."
    always = [recipe.name for recipe in order if recipe.share == 1]
    words = [
        f"{len(always)} of {len(order)} recipes trained at every rate and seed"
        + (f" ({'; '.join(always)})." if always else ".")
    ]
    words.append(f"Most often and best: {first.name}, {_figures(first, factors)}.")
    best = min((each for each in recipes if each.best is not None), key=lambda each: each.quality(each.best or 0))
    if best is not first:
        words.append(f"Best where it trained: {best.name}, {_figures(best, factors)}.")
    last = order[-1]
    if last.share < first.share:
        words.append(f"Least often: {last.name} ({counts([each.outcome for each in last.all])}).")
    return " ".join(words)


def _figures(recipe: RecipeCourse, factors: Sequence[float]) -> str:
    held, best = sum(each.outcome is Outcome.TRAINED for each in recipe.all), recipe.best
    fd = "" if best is None else f", fd {show(FD, recipe.quality(best))} at {factors[best]:g} times its rates"
    return f"{held} of {len(recipe.all)} trainings{fd}"


def recipes_table(recipes: Sequence[RecipeCourse], factors: Sequence[float]) -> Table:
    """A row per recipe, the steadiest first."""
    rows = []
    for each in ranked(recipes):
        run = widest([setting.share(Outcome.TRAINED) == 1 for setting in each.settings])
        held = [course for course in each.all if course.outcome is Outcome.TRAINED]
        above = [course.above for course in each.all if course.above is not None]
        ratios = [course.ratio for course in each.all if math.isfinite(course.ratio) and course.ratio > 0]
        rows.append((
            each.name, counts([course.outcome for row in each.courses for course in row]),
            DASH if run is None else " to ".join(dict.fromkeys(f"{factors[i]:g}" for i in run)),
            DASH if each.best is None else f"{show(FD, each.quality(each.best))} at {factors[each.best]:g}",
            f"{mean_of(FD, ratios):.3g}" if ratios else DASH,
            short([plain.median(course.near for course in held)]) if held else DASH,
            f"{len(above)} of {len(each.all)}" + (f", from {short([min(above)])}" if above else ""),
        ))  # fmt: skip
    head = (
        heading(recipes), "outcomes", "rates at which all seeds trained", "best fd at the end", "final / best fd",
        f"images to {NEAR:g} x the best", f"fd above {WORSE:g} x the best before",
    )  # fmt: skip
    return Table(
        "The recipes, steadiest first", head, tuple(rows),
        "Rates are times the recipe's own. Final over best is a geometric mean over all trainings that were measured at their "
        "end; images to near the best a median over those that trained.",
    )  # fmt: skip


def heading(recipes: Sequence[RecipeCourse]) -> str:
    """What the recipes' names are made of."""
    return ", ".join(("loss", "regularizer", "normalisation")[: 1 + recipes[0].name.count(", ")])


def heat_maps(recipes: Sequence[RecipeCourse], factors: Sequence[float]) -> list[HeatMap]:
    """fd at the end, and the shares of seeds that did not train, where there are any."""
    grid = grid_of(recipes, factors)
    values = tuple(tuple(each.quality(i) for i in range(len(factors))) for each in recipes)
    texts = tuple(tuple(show(FD, value) for value in row) for row in values)
    maps = [HeatMap("fd, at the end", grid, values, texts, "low", ratios=True, note="Over the seeds that trained.")]
    for outcome in BAD:
        shares = tuple(tuple(setting.share(outcome) for setting in each.settings) for each in recipes)
        if any(value > 0 for row in shares for value in row):
            percent = tuple(tuple(DASH if math.isnan(v) else f"{v:.0%}" for v in row) for row in shares)
            maps.append(HeatMap(f"Share of the seeds: {outcome}", grid, shares, percent, "warn"))
    return maps


def grid_of(recipes: Sequence[RecipeCourse], factors: Sequence[float]) -> Grid:
    """Rows are recipes, columns factors; the steadiest recipe is marked at its best factor."""
    first = ranked(recipes)[0]
    marked = None if first.best is None else (list(recipes).index(first), first.best)
    columns = tuple(f"{factor:g}" for factor in factors)
    return Grid(
        heading(recipes),
        "learning rates, times the recipe's own",
        tuple(each.name for each in recipes),
        columns,
        marked,
    )


def numbers(recipes: Sequence[RecipeCourse], factors: Sequence[float]) -> Mapping[str, Any]:
    """For result.json."""
    return {
        "factors": list(factors),
        "recipes": [
            {
                "name": each.name, "trained": each.share,
                "outcomes": [[str(course.outcome) for course in row] for row in each.courses],
                "final": [[course.final for course in row] for row in each.courses],
                "best": [[course.best for course in row] for row in each.courses],
                "near": [[course.near for course in row] for row in each.courses],
                "above": [[course.above for course in row] for row in each.courses],
            }
            for each in recipes
        ],
    }  # fmt: skip
