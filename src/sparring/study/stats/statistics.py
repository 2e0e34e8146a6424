"""Statistics of paired replicates: pure functions of numpy arrays.

The unit is the difference of two arms in one replicate, which share label subset, classifier seed and test images
(Bouthillier et al. 2021, "Accounting for variance in machine learning benchmarks": vary every source of noise between
replicates, share it within a pair).
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
MAX_REPLICATES = 40  # the sign-flip test lists 2^20 sign patterns of each half
RESAMPLES = 9_999
BCA_FROM = 6


@dataclass(frozen=True)
class Interval:
    """A two-sided interval at LEVEL; both ends are NaN where the data allow none."""

    low: float
    high: float

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high


UNDEFINED = Interval(math.nan, math.nan)


def finite(values: ArrayLike) -> Array:
    """The values of the replicates that finished: (n,) without NaN."""
    x = np.asarray(values, float)
    return x[~np.isnan(x)]


def mean(values: ArrayLike) -> float:
    """Mean over the replicates that finished; NaN without one."""
    x = finite(values)
    return float(x.mean()) if len(x) else math.nan


def std(values: ArrayLike) -> float:
    """Sample standard deviation (n - 1) over the replicates that finished; NaN below two."""
    x = finite(values)
    return float(x.std(ddof=1)) if len(x) > 1 else math.nan


def paired_delta(arm: ArrayLike, baseline: ArrayLike) -> Array:
    """Arm minus baseline per replicate, (n,); replicates in which either is missing (NaN) are left out.

    Raises:
        ValueError: the two have not one value per replicate each.
    """
    ours, theirs = np.asarray(arm, float), np.asarray(baseline, float)
    if ours.shape != theirs.shape or ours.ndim != 1:
        raise ValueError(f"paired arms need one value per replicate each, got shapes {ours.shape} and {theirs.shape}")
    delta = ours - theirs
    return delta[~np.isnan(delta)]


def t_interval(values: ArrayLike, level: float = LEVEL) -> Interval:
    """Student's (1908) interval of the mean at `level`; values (n,). UNDEFINED below two values."""
    x = np.asarray(values, float)
    if len(x) < 2:
        return UNDEFINED
    half = stats.t.ppf((1 + level) / 2, len(x) - 1) * x.std(ddof=1) / math.sqrt(len(x))
    return Interval(float(x.mean() - half), float(x.mean() + half))


def t_test_p(values: ArrayLike) -> float:
    """Two-sided p of the one-sample t test of mean zero; 1 or 0 where all values are equal, NaN below two values."""
    x = np.asarray(values, float)
    if len(x) < 2:
        return math.nan
    if x.std() == 0:
        return 1.0 if x[0] == 0 else 0.0
    return float(2 * stats.t.sf(abs(x.mean()) / (x.std(ddof=1) / math.sqrt(len(x))), len(x) - 1))


def bca_interval(values: ArrayLike, level: float = LEVEL, *, resamples: int = RESAMPLES, seed: int = 0) -> Interval:
    """Bias-corrected and accelerated bootstrap interval of the mean (Efron 1987).

    Below about ten values it is too narrow; it is shown to make skewness visible, and no verdict depends on it.

    Args:
        values: (n,); UNDEFINED below BCA_FROM values, of which it would say nothing.
        level: coverage of the interval.
        resamples: bootstrap samples.
        seed: of the bootstrap, so that the same values give the same interval.
    """
    x = np.asarray(values, float)
    if len(x) < BCA_FROM:
        return UNDEFINED
    if x.std() <= 1e-12 * max(1.0, np.abs(x).max()):
        return Interval(float(x.mean()), float(x.mean()))
    rows = bootstrap_generator("bca", seed).integers(0, len(x), (resamples, len(x)))
    means = np.sort(x[rows].mean(axis=1))
    below = np.mean(means < x.mean()) + 0.5 * np.mean(means == x.mean())
    bias = stats.norm.ppf(np.clip(below, 1 / (resamples + 1), resamples / (resamples + 1)))
    leave_one_out = (x.sum() - x) / (len(x) - 1)
    influence = leave_one_out.mean() - leave_one_out
    acceleration = (influence**3).sum() / (6 * (influence**2).sum() ** 1.5)
    z = bias + stats.norm.ppf([(1 - level) / 2, (1 + level) / 2])
    low, high = np.quantile(means, stats.norm.cdf(bias + z / (1 - acceleration * z)))
    return Interval(float(low), float(high))


def sign_flip_p(values: ArrayLike) -> float:
    """Exact two-sided p of the sign-flip (paired permutation) test of the mean; values (n,), n <= MAX_REPLICATES.

    The share of all 2^n sign patterns whose |sum| is at least the observed one (Fisher 1935, section 21). Valid whenever the
    differences are symmetric under the null, as they are if the arms are exchangeable. The smallest possible value is 2 / 2^n.

    Raises:
        ValueError: more than MAX_REPLICATES values.
    """
    x = np.asarray(values, float)
    if len(x) > MAX_REPLICATES:
        raise ValueError(f"{len(x)} values have too many sign patterns to list, at most {MAX_REPLICATES}")
    if len(x) == 0:
        return math.nan
    # Every pattern is one of the first half and one of the second; counted without listing their pairs.
    first, second = _signed_sums(x[: len(x) // 2]), np.sort(_signed_sums(x[len(x) // 2 :]))
    bound = abs(x.sum()) - 1e-9 * np.abs(x).sum()  # sums of the same numbers in another order
    if bound <= 0:
        return 1.0
    above = len(second) - np.searchsorted(second, bound - first, side="left")
    below = np.searchsorted(second, -bound - first, side="right")
    return float((above + below).sum() / 2.0 ** len(x))


def _signed_sums(values: Array) -> Array:
    """(2^n,) sums of the values (n,) with every pattern of signs."""
    sums = np.zeros(1)
    for value in values:
        sums = np.concatenate([sums + value, sums - value])
    return sums


def wins(values: ArrayLike) -> int:
    """Number of replicates in which the arm is ahead; ties are no wins."""
    return int((np.asarray(values, float) > 0).sum())


def power(effect: float, n: int, level: float = LEVEL) -> float:
    """Power of the two-sided t test of n normal differences with mean `effect` and standard deviation 1.

    The tails of the noncentral t distribution (Cohen 1988, chapter 2), as the mean over the sample's standard deviation s:
    scipy's own are NaN at large shifts.
    """
    critical, shift = stats.t.ppf((1 + level) / 2, n - 1), effect * math.sqrt(n)
    quantiles = (np.arange(4_000) + 0.5) / 4_000
    s = np.sqrt(stats.chi2.ppf(quantiles, n - 1) / (n - 1))
    return float(np.mean(special.ndtr(shift - critical * s) + special.ndtr(-shift - critical * s)))


@cache
def _detectable(n: int, level: float, target: float) -> float:
    high = 0.25
    while power(high, n, level) < target:
        high *= 2
    return float(optimize.brentq(lambda effect: power(effect, n, level) - target, 0.0, high, xtol=1e-6))


def detectable_effect(std: float, n: int, level: float = LEVEL, target: float = POWER) -> float:
    """Minimum detectable effect: the mean difference that the t test detects with probability `target`.

    From the noncentral t distribution: 1.43 std at n = 6, 1.00 std at n = 10.

    Args:
        std: standard deviation of the differences.
        n: number of differences; the result is infinite below two.
        level: one minus the significance level of the test.
        target: power.
    """
    return std * _detectable(n, level, target) if n >= 2 else math.inf


def holm(p: Sequence[float]) -> list[float]:
    """Holm's (1979) step-down adjusted p-values, in the order given; NaN entries are not counted and stay NaN."""
    adjusted = [math.nan] * len(p)
    ordered = sorted((value, i) for i, value in enumerate(p) if not math.isnan(value))
    largest = 0.0
    for rank, (value, i) in enumerate(ordered):
        largest = max(largest, min(1.0, (len(ordered) - rank) * value))
        adjusted[i] = largest
    return adjusted


def bootstrap_generator(purpose: str, seed: int) -> np.random.Generator:
    """Random numbers of one bootstrap, the same for the same purpose and seed."""
    return np.random.default_rng(seed_of(purpose, seed))
