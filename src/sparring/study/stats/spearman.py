"""Spearman's rank correlation with a bootstrap over independent units."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from sparring.study.stats.statistics import LEVEL, Array, Interval, bootstrap_generator


@dataclass(frozen=True)
class Correlation:
    """Spearman's rank correlation (Spearman 1904).

    Args:
        rho: in [-1, 1]; NaN where one side has a single rank.
        interval: percentile bootstrap interval at LEVEL; NaN below three units.
        units: number of independent units.
    """

    rho: float
    interval: Interval
    units: int


def spearman(
    x: ArrayLike, y: ArrayLike, units: ArrayLike | None = None, *, resamples: int = 2_000, seed: int = 0
) -> Correlation:
    """Spearman's rho of x and y with a cluster bootstrap (Davison and Hinkley 1997, section 3.8).

    Args:
        x: (n,) values of one quantity.
        y: (n,) values of the other.
        units: (n,) the independent unit (replicate) of each pair; whole units are resampled. None: every pair is one.
        resamples: bootstrap samples.
        seed: of the bootstrap.
    """
    a, b = np.asarray(x, float), np.asarray(y, float)
    unit_of = np.arange(len(a)) if units is None else np.asarray(units)
    members = [np.flatnonzero(unit_of == unit) for unit in np.unique(unit_of)]
    random = bootstrap_generator("spearman", seed)
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
    std = ranks.std(axis=1)
    if (std == 0).any():
        return math.nan
    return float(np.mean((ranks[0] - ranks[0].mean()) * (ranks[1] - ranks[1].mean())) / std.prod())
