"""Statistics of paired replicates: pure functions of numpy arrays.

The unit is the difference of two arms in one replicate, which share label subset, classifier seed and test images
(Bouthillier et al. 2021, "Accounting for variance in machine learning benchmarks": vary every source at once, pair the rest).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, special, stats

from sparring.core.randomness import seed_of

Array = NDArray[np.float64]

LEVEL = 0.95
POWER = 0.8
MOST_FLIPPED = 20  # 2^20 sign patterns are listed in full
RESAMPLES = 9_999
EXACT_BELOW = 25  # McNemar: discordant pairs below which the binomial is summed


@dataclass(frozen=True)
class Interval:
    """A two-sided interval at LEVEL; both ends are NaN where the data allow none."""

    low: float
    high: float

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high


NONE = Interval(math.nan, math.nan)


def paired_delta(arm: ArrayLike, baseline: ArrayLike) -> Array:
    """Arm minus baseline per replicate, (n,); replicates in which either is missing (NaN) are left out."""
    ours, theirs = np.asarray(arm, float), np.asarray(baseline, float)
    if ours.shape != theirs.shape or ours.ndim != 1:
        raise ValueError(f"paired arms need one value per replicate each, got shapes {ours.shape} and {theirs.shape}")
    delta = ours - theirs
    return delta[~np.isnan(delta)]


def t_interval(values: ArrayLike, level: float = LEVEL) -> Interval:
    """Student's interval of the mean; values (n,). None below two values."""
    x = np.asarray(values, float)
    if len(x) < 2:
        return NONE
    half = stats.t.ppf((1 + level) / 2, len(x) - 1) * x.std(ddof=1) / math.sqrt(len(x))
    return Interval(float(x.mean() - half), float(x.mean() + half))


def t_p(values: ArrayLike) -> float:
    """Two-sided p of the one-sample t test of mean zero; 1 or 0 where all values are equal, NaN below two."""
    x = np.asarray(values, float)
    if len(x) < 2:
        return math.nan
    if x.std() == 0:
        return 1.0 if x[0] == 0 else 0.0
    return float(2 * stats.t.sf(abs(x.mean()) / (x.std(ddof=1) / math.sqrt(len(x))), len(x) - 1))


def bca_interval(values: ArrayLike, level: float = LEVEL, *, resamples: int = RESAMPLES, seed: int = 0) -> Interval:
    """Bias-corrected and accelerated bootstrap interval of the mean (Efron 1987); values (n,).

    The resamples are those of `seed`, so the same values give the same interval. Below about ten values it is too narrow;
    it stands beside the t interval to show skewness, and decides nothing. None below two values.
    """
    x = np.asarray(values, float)
    if len(x) < 2:
        return NONE
    if x.std() <= 1e-12 * max(1.0, np.abs(x).max()):
        return Interval(float(x.mean()), float(x.mean()))
    rows = _generator("bca", seed).integers(0, len(x), (resamples, len(x)))
    means = np.sort(x[rows].mean(axis=1))
    below = np.mean(means < x.mean()) + 0.5 * np.mean(means == x.mean())
    bias = stats.norm.ppf(np.clip(below, 1 / (resamples + 1), resamples / (resamples + 1)))
    left_out = (x.sum() - x) / (len(x) - 1)
    pull = left_out.mean() - left_out
    acceleration = (pull**3).sum() / (6 * (pull**2).sum() ** 1.5)
    z = bias + stats.norm.ppf([(1 - level) / 2, (1 + level) / 2])
    low, high = np.quantile(means, stats.norm.cdf(bias + z / (1 - acceleration * z)))
    return Interval(float(low), float(high))


def sign_flip_p(values: ArrayLike) -> float:
    """Exact two-sided p of the sign-flip (paired permutation) test of the mean; values (n,), n <= MOST_FLIPPED.

    The share of all 2^n sign patterns whose |sum| is at least the observed one (Fisher 1935, section 21). Valid whenever the
    differences are symmetric under the null, as they are if the arms are exchangeable. The smallest possible value is 2 / 2^n.
    """
    x = np.asarray(values, float)
    if len(x) > MOST_FLIPPED:
        raise ValueError(f"{len(x)} values have too many sign patterns to list, at most {MOST_FLIPPED}")
    if len(x) == 0:
        return math.nan
    sums = np.zeros(1)
    for value in x:
        sums = np.concatenate([sums + value, sums - value])
    slack = 1e-9 * np.abs(x).sum()  # sums of the same numbers in another order
    return float(np.mean(np.abs(sums) >= abs(x.sum()) - slack))


def wins(values: ArrayLike) -> int:
    """Replicates in which the arm is ahead; ties are no wins."""
    return int((np.asarray(values, float) > 0).sum())


def power(effect: float, n: int, level: float = LEVEL) -> float:
    """Probability that the two-sided t test of n differences, of mean `effect` and spread 1, rejects zero.

    The tails of the noncentral t distribution, averaged over the sample's spread s: scipy's own are NaN at large shifts.
    """
    critical, shift = stats.t.ppf((1 + level) / 2, n - 1), effect * math.sqrt(n)
    shares = (np.arange(4_000) + 0.5) / 4_000
    s = np.sqrt(stats.chi2.ppf(shares, n - 1) / (n - 1))
    return float(np.mean(special.ndtr(shift - critical * s) + special.ndtr(-shift - critical * s)))


@cache
def _detectable(n: int, level: float, target: float) -> float:
    high = 0.25
    while power(high, n, level) < target:
        high *= 2
    return float(optimize.brentq(lambda effect: power(effect, n, level) - target, 0.0, high, xtol=1e-6))


def detectable_effect(sd: float, n: int, level: float = LEVEL, target: float = POWER) -> float:
    """The mean difference that the t test of n differences with spread `sd` finds with probability `target`.

    From the noncentral t distribution: 1.43 sd at n = 6, 1.00 sd at n = 10. Infinite below two differences.
    """
    return sd * _detectable(n, level, target) if n >= 2 else math.inf


def holm(p: Sequence[float]) -> list[float]:
    """Holm's (1979) step-down adjusted p-values, in the order given; NaN entries are not counted and stay NaN."""
    adjusted = [math.nan] * len(p)
    known = sorted((value, i) for i, value in enumerate(p) if not math.isnan(value))
    largest = 0.0
    for rank, (value, i) in enumerate(known):
        largest = max(largest, min(1.0, (len(known) - rank) * value))
        adjusted[i] = largest
    return adjusted


@dataclass(frozen=True)
class McNemar:
    """Whether *these two models* differ on these images; says nothing about the two methods that made them.

    only_first, only_second: images that just one of them gets right. exact: binomial, else chi-square with correction.
    """

    only_first: int
    only_second: int
    p: float
    exact: bool
    about: str = "these two models"


def mcnemar(first: ArrayLike, second: ArrayLike) -> McNemar:
    """McNemar's (1947) test of two models' answers on the same images: two boolean (n,), true where the answer is right."""
    a, b = np.asarray(first, bool), np.asarray(second, bool)
    if a.shape != b.shape:
        raise ValueError(f"McNemar's test needs the same images for both models, got {a.shape} and {b.shape}")
    only_first, only_second = int((a & ~b).sum()), int((~a & b).sum())
    discordant = only_first + only_second
    if discordant < EXACT_BELOW:
        p = stats.binomtest(only_first, discordant, 0.5).pvalue if discordant else 1.0
    else:
        p = stats.chi2.sf((abs(only_first - only_second) - 1) ** 2 / discordant, 1)
    return McNemar(only_first, only_second, float(p), discordant < EXACT_BELOW)


@dataclass(frozen=True)
class Correlation:
    """Spearman's rank correlation with a percentile bootstrap interval over `units` independent units."""

    rho: float
    interval: Interval
    units: int


def spearman(
    x: ArrayLike, y: ArrayLike, units: ArrayLike | None = None, *, resamples: int = 2_000, seed: int = 0
) -> Correlation:
    """Spearman's rho of x and y, both (n,).

    units: (n,) which independent unit (replicate) each pair comes from; whole units are resampled. None: every pair is one.
    """
    a, b = np.asarray(x, float), np.asarray(y, float)
    whose = np.arange(len(a)) if units is None else np.asarray(units)
    members = [np.flatnonzero(whose == unit) for unit in np.unique(whose)]
    random = _generator("spearman", seed)
    draws = []
    for _ in range(resamples):
        rows = np.concatenate([members[i] for i in random.integers(0, len(members), len(members))])
        draws.append(_rank_correlation(a[rows], b[rows]))
    finite = np.array(draws)[~np.isnan(draws)]  # a resample of one pair repeated has no ranks
    enough = len(members) >= 3 and len(finite) >= resamples / 2
    low, high = np.quantile(finite, [(1 - LEVEL) / 2, (1 + LEVEL) / 2]) if enough else (math.nan, math.nan)
    return Correlation(_rank_correlation(a, b), Interval(float(low), float(high)), len(members))


def _rank_correlation(x: Array, y: Array) -> float:
    ranks = np.array([stats.rankdata(x), stats.rankdata(y)])
    spread = ranks.std(axis=1)
    if (spread == 0).any():
        return math.nan
    return float(np.mean((ranks[0] - ranks[0].mean()) * (ranks[1] - ranks[1].mean())) / spread.prod())


def _generator(purpose: str, seed: int) -> np.random.Generator:
    return np.random.default_rng(seed_of(purpose, seed))
