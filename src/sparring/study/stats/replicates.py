"""How many replicates would probably decide a comparison."""

import math
from functools import cache

import numpy as np

from sparring.study.stats.levels import SINGLE, Levels
from sparring.study.stats.mean_test import Array, MeanTest
from sparring.study.stats.statistics import bootstrap_generator

TARGET = 0.8  # probability of a decision that is called probable
MOST = 1_000  # replicates; more are not worth a number
SAMPLES = 1_000  # simulated studies: the probability is within 0.025


def decision_probability(
    n: int, *, delta: float, std: float, smallest_effect: float, shared_variance: float = 0.0, levels: Levels = SINGLE
) -> float:
    """Probability that n normal differences are decided: shown to be other than zero, or to be within the smallest effect.

    By the tests themselves, on SAMPLES simulated studies of a fixed seed.

    Args:
        n: replicates, at least 3.
        delta: the true difference.
        std: true standard deviation of the differences.
        smallest_effect: margin of the equivalence tests.
        shared_variance: see `MeanTest.of`.
        levels: of the tests.
    """
    mean, variance, skewness, common = _samples(n)
    own = std**2 * variance / n
    total = own + shared_variance
    with np.errstate(invalid="ignore", divide="ignore"):
        df = np.where(own > 0, np.minimum((n - 1) * (total / own) ** 2, 1e6), 1e6)
    at = delta + std * mean + math.sqrt(shared_variance) * common
    test = MeanTest(at, np.sqrt(total), df, skewness, n)
    decided = (test.difference() <= levels.difference) | (test.equivalence(smallest_effect) <= levels.equivalence)
    return float(decided.mean())


@cache
def _samples(n: int) -> tuple[Array, Array, Array, Array]:
    """Mean, variance and skewness of n standard normal values, SAMPLES times, and as many single ones."""
    random = bootstrap_generator("replicates", n)
    values = random.normal(size=(SAMPLES, n))
    test = MeanTest.of(values)
    return test.mean, values.var(1, ddof=1), test.skewness, random.normal(size=SAMPLES)


def replicates_to_decide(
    delta: float, std: float, smallest_effect: float, *, shared_variance: float = 0.0, levels: Levels = SINGLE
) -> float:
    """The smallest number of replicates, of 6 or more, that decide with probability TARGET if the difference is `delta`.

    Infinite where MOST do not suffice, because the difference lies at the smallest effect or because the shared variance, which
    more replicates do not reduce, is too large. Arguments as in `decision_probability`; NaN without a difference or its spread.
    """
    if math.isnan(delta) or math.isnan(std):
        return math.nan

    def decides(n: int) -> bool:
        probability = decision_probability(
            n, delta=delta, std=std, smallest_effect=smallest_effect, shared_variance=shared_variance, levels=levels
        )
        return probability >= TARGET

    low, high = 5, 6
    while not decides(high):
        if high >= MOST:
            return math.inf
        low, high = high, min(2 * high, MOST)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if decides(middle) else (middle, high)
    return float(high)
