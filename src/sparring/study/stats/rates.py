"""How trainings over a grid of settings ended, and which setting is recommended: computations on plain numbers."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from scipy import stats

from sparring.study.stats.statistics import LEVEL, UNDEFINED, Interval

COLLAPSED = 0.1  # variance within classes over that of real images, below which images of a class are one image
LEARNED = 0.1  # share of the way from chance to real images (accuracy: to 1), below which nothing was learned
WORSE, CHECKS = 2.0, 3  # diverged: worse than WORSE times its best at CHECKS measurements in a row, the last ones


class Outcome(StrEnum):
    """How one training ended."""

    TRAINED = "trained"
    COLLAPSED = "collapsed"
    DIVERGED = "diverged"
    NEVER_LEARNED = "never learned"
    PRUNED = "pruned"  # it was not among the best in the middle of the budget, and not trained on
    FAILED = "failed"  # an error of another kind: it says nothing about the setting


LOST = (Outcome.COLLAPSED, Outcome.DIVERGED, Outcome.FAILED)  # in the middle of a training, too


@dataclass(frozen=True)
class Objective:
    """The quality that a study of rates ranks by.

    Args:
        name: of the metric.
        higher: whether larger is better.
        ratios: whether it is compared by ratios (a distance) or by differences (an accuracy).
    """

    name: str
    higher: bool
    ratios: bool

    def scale(self, value: float) -> float:
        """On the scale on which means are taken and smaller is better."""
        if self.ratios:
            value = math.log(max(value, 1e-12))
        return -value if self.higher else value

    def unscale(self, value: float) -> float:
        """Inverse of `scale`; an accuracy stays within 0 and 1, also at the end of an interval."""
        value = -value if self.higher else value
        return math.exp(value) if self.ratios else min(max(value, 0.0), 1.0)

    def best(self, values: Sequence[float]) -> float:
        """The best of the finite values; NaN without one."""
        finite = [each for each in values if math.isfinite(each)]
        return min(finite, key=self.scale, default=math.nan)


def generator_outcome(
    quality: Sequence[float],
    diversity: Sequence[float],
    agreement: Sequence[float],
    *,
    broke: bool,
    chance: float,
    real_agreement: float | None,
    gaussian: float | None,
) -> Outcome:
    """How the training of a generator ended.

    Args:
        quality: a distance (smaller is better) at each measurement.
        diversity: variance within classes over that of real images, at each look at the samples.
        agreement: how often the class asked for is seen; empty without labels.
        broke: whether it was ended by a value that is not finite.
        chance: agreement of samples that ignore their class.
        real_agreement: that of real images; None without labels.
        gaussian: the distance of a Gaussian per class, fitted to the training images; None where it is not known.
    """
    if broke or not quality or not math.isfinite(quality[-1]):
        return Outcome.DIVERGED
    knows = real_agreement is not None and real_agreement >= 2 * chance and bool(agreement)
    learned = [
        each >= chance + LEARNED * ((real_agreement or 1.0) - chance) for each in agreement if math.isfinite(each)
    ]
    if diversity and diversity[-1] < COLLAPSED:
        began = max(diversity) >= COLLAPSED or (knows and any(learned))
        return Outcome.COLLAPSED if began else Outcome.NEVER_LEARNED
    best = min((each for each in quality if math.isfinite(each)), default=math.nan)
    if len(quality) > CHECKS and all(not each <= WORSE * best for each in quality[-CHECKS:]):
        return Outcome.DIVERGED
    ignored = knows and bool(learned) and not learned[-1]
    worse = gaussian is not None and quality[-1] > gaussian
    return Outcome.NEVER_LEARNED if ignored or worse else Outcome.TRAINED


def classifier_outcome(accuracy: Sequence[float], *, broke: bool, chance: float) -> Outcome:
    """How the training of a classifier ended. accuracy: on val at each validation; other arguments as above."""
    if broke or not accuracy or not math.isfinite(accuracy[-1]):
        return Outcome.DIVERGED
    needed = chance + LEARNED * (1 - chance)
    if accuracy[-1] >= needed:
        return Outcome.TRAINED
    return Outcome.DIVERGED if max(accuracy) >= needed else Outcome.NEVER_LEARNED


@dataclass(frozen=True)
class Setting:
    """One point of the grid.

    Args:
        rates: one per axis.
        outcomes: per replicate.
        final: quality at the end, per replicate; NaN where there is none.
        best: the best quality on the way, per replicate.
    """

    rates: tuple[float, ...]
    outcomes: tuple[Outcome, ...]
    final: tuple[float, ...]
    best: tuple[float, ...]

    @property
    def held(self) -> tuple[float, ...]:
        """Final quality of the replicates that trained."""
        pairs = zip(self.outcomes, self.final, strict=True)
        return tuple(value for outcome, value in pairs if outcome is Outcome.TRAINED and math.isfinite(value))

    def share(self, outcome: Outcome) -> float:
        """Share of the replicates that ended so, of those that did not fail; NaN where all failed."""
        ended = [each for each in self.outcomes if each is not Outcome.FAILED]
        return sum(each is outcome for each in ended) / len(ended) if ended else math.nan


@dataclass(frozen=True)
class Recommendation:
    """The setting to train at.

    Args:
        index: of the setting.
        mean: its final quality: the mean over seeds, the geometric one of a distance.
        interval: 95 % t interval of the mean, with the variance between seeds pooled over all settings.
        flat: indices of the settings whose mean is within the interval, itself among them.
    """

    index: int
    mean: float
    interval: Interval
    flat: tuple[int, ...]


def recommend(settings: Sequence[Setting], objective: Objective) -> Recommendation | None:
    """The best mean of those that trained in the largest share of their seeds; None where none trained.

    A training that collapsed, diverged or never learned lowers that share, so it cannot win by its quality.
    """
    shares = [each.share(Outcome.TRAINED) if each.held else 0.0 for each in settings]
    largest = max(shares, default=0.0)
    if not largest > 0:
        return None
    means = {i: float(np.mean([objective.scale(v) for v in each.held])) for i, each in enumerate(settings) if each.held}
    index = min((i for i in means if shares[i] == largest), key=means.__getitem__)
    half = _pooled_half_width(settings, objective, len(settings[index].held))
    low, high = sorted((objective.unscale(means[index] - half), objective.unscale(means[index] + half)))
    interval = UNDEFINED if math.isnan(half) else Interval(low, high)
    reach = means[index] + (0.0 if math.isnan(half) else half)
    flat = tuple(i for i in means if shares[i] == largest and means[i] <= reach)
    return Recommendation(index, objective.unscale(means[index]), interval, flat)


def _pooled_half_width(settings: Sequence[Setting], objective: Objective, n: int) -> float:
    """Of the t interval of a mean of n replicates; NaN where no setting trained twice."""
    groups = [np.array([objective.scale(value) for value in each.held]) for each in settings if len(each.held) > 1]
    df = sum(len(each) - 1 for each in groups)
    if not df:
        return math.nan
    variance = sum(float(((each - each.mean()) ** 2).sum()) for each in groups) / df
    return float(stats.t.ppf((1 + LEVEL) / 2, df) * math.sqrt(variance / n))


def fills_grid(settings: Sequence[Setting]) -> bool:
    """Whether the settings are all combinations of their rates, and not scattered points."""
    columns = zip(*(each.rates for each in settings), strict=True)
    return len({each.rates for each in settings}) == math.prod(len(set(column)) for column in columns)


def flat_range(settings: Sequence[Setting], found: Recommendation, axis: int) -> tuple[float, float]:
    """Lowest and highest rate of an axis among the flat settings.

    On a grid of those in the gapless run through the recommended one along that axis; of scattered points, no two of which
    share a rate, of all flat settings.
    """
    if not fills_grid(settings):
        rates = [settings[i].rates[axis] for i in found.flat]
        return min(rates), max(rates)
    here = settings[found.index].rates
    line = sorted(
        (each.rates[axis], i)
        for i, each in enumerate(settings)
        if all(a == b for k, (a, b) in enumerate(zip(each.rates, here, strict=True)) if k != axis)
    )
    at = next(k for k, (_, i) in enumerate(line) if i == found.index)
    low = high = at
    while low > 0 and line[low - 1][1] in found.flat:
        low -= 1
    while high + 1 < len(line) and line[high + 1][1] in found.flat:
        high += 1
    return line[low][0], line[high][0]


def within(settings: Sequence[Setting], ranges: Sequence[tuple[float, float]]) -> int:
    """How many settings lie in a box. ranges: its lowest and highest rate on each axis."""
    return sum(
        all(low <= rate <= high for rate, (low, high) in zip(each.rates, ranges, strict=True)) for each in settings
    )


def edge(values: Sequence[float], chosen: float) -> tuple[float, float] | None:
    """(the border that `chosen` lies on, the next value beyond it on the grid's own spacing); None inside, or of one value."""
    ordered = sorted(values)
    if len(ordered) < 2 or chosen not in (ordered[0], ordered[-1]):
        return None
    step = ordered[1] / ordered[0] if chosen == ordered[0] else ordered[-1] / ordered[-2]
    return chosen, float(f"{chosen / step if chosen == ordered[0] else chosen * step:.3g}")
