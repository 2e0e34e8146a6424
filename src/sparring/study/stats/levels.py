"""Levels of tests that are repeated while replicates are added: the error over all looks together stays as stated.

Group sequential testing with alpha spending (Lan and DeMets 1983, "Discrete sequential boundaries for clinical trials"): of the
error, the share log(1 + (e - 1) n / last) is spent by the look at n replicates, as Pocock's boundaries do. The boundaries are
those of normal statistics (Armitage, McPherson and Rowe 1969), taken over to the p-values of t statistics; docs/statistics.md has
the error that this leaves.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy import stats

ALPHA = 0.05
LOOKS = (6, 10, 16, 24)
_REACH, _STEP = 8.0, 0.02  # grid of the normal statistic, in standard deviations


@dataclass(frozen=True)
class Levels:
    """Nominal levels of one look.

    Args:
        difference: of the two-sided test of no difference.
        equivalence: of each of the two one-sided tests against the smallest effect of interest.
        look: number of the look, from 1.
        looks: how many are planned.
    """

    difference: float = ALPHA
    equivalence: float = ALPHA
    look: int = 1
    looks: int = 1


SINGLE = Levels()  # of a study with a fixed number of replicates


def planned_looks(budget: int) -> tuple[int, ...]:
    """Replicates at which a study of at most `budget` of them is looked at; the last look uses the whole budget."""
    return (*[look for look in LOOKS if look < budget], budget)


def levels(looks: Sequence[int], index: int) -> Levels:
    """Levels at `looks[index]` of a study whose looks are at so many replicates."""
    two, one = (one_sided_levels(tuple(looks), alpha)[index] for alpha in (ALPHA / 2, ALPHA))
    return Levels(difference=2 * two, equivalence=one, look=index + 1, looks=len(looks))


@cache
def one_sided_levels(looks: tuple[int, ...], alpha: float) -> tuple[float, ...]:
    """Nominal one-sided level at each look such that the probability of any rejection is `alpha`.

    Args:
        looks: replicates at each look, ascending.
        alpha: one-sided error over all looks.
    """
    times = np.array(looks) / looks[-1]
    spent = alpha * np.log1p((math.e - 1) * times)
    grid = np.arange(-_REACH, _REACH + _STEP / 2, _STEP)
    density, before, nominal = np.empty(0), 0.0, []
    for k, time in enumerate(times):
        # Density of S(t) = B(t) on a grid of the score, among the paths that no earlier look rejected.
        step = math.sqrt(time - (times[k - 1] if k else 0.0))
        kernel = stats.norm.pdf(grid, scale=step)
        density = kernel if k == 0 else np.convolve(density, kernel, mode="same") * _STEP
        upper = density[::-1].cumsum()[::-1] * _STEP  # P(S >= s) at the grid points, about
        bound = float(np.interp(-(spent[k] - before), -upper, grid))
        nominal.append(float(stats.norm.sf((bound - _STEP / 2) / math.sqrt(time))))
        density = np.where(grid < bound, density, 0.0)
        before = float(spent[k])
    return tuple(nominal)
