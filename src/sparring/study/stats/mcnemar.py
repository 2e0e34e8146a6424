"""McNemar's test of two models on the same images."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

EXACT_BELOW = 25  # discordant images below which the binomial distribution is summed


@dataclass(frozen=True)
class McNemar:
    """Whether *these two models* differ on these images; says nothing about the two methods that trained them.

    Args:
        only_first: images that only the first model classifies correctly.
        only_second: images that only the second model classifies correctly.
        p: two-sided p-value.
        exact: binomial test; otherwise chi-square with continuity correction.
        about: what the p-value is about.
    """

    only_first: int
    only_second: int
    p: float
    exact: bool
    about: str = "these two models"


def mcnemar(first: ArrayLike, second: ArrayLike) -> McNemar:
    """McNemar's (1947) test (Dietterich 1998, section 3.1); exact below EXACT_BELOW discordant images.

    Args:
        first: (n,) booleans, true where the first model classifies the image correctly.
        second: (n,) the same of the second model.

    Raises:
        ValueError: the shapes differ.
    """
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
