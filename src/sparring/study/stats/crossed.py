"""The part of a difference's variance that paired replicates share: common test images, overlapping training images.

Replicates are crossed with test images. The spread between replicates does not show what an image that all of them see adds:
with image effects of variance v, N test images and a share q of them in common to two replicates, q v / N, however many
replicates there are. v is the mean covariance, over images, between the differences of two replicates (the cross terms of
two-way clustered errors: Cameron, Gelbach and Miller 2011).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


def image_variance(differences: Sequence[ArrayLike], images: Sequence[ArrayLike]) -> float:
    """q v / N as above, in the squared unit of the differences; at least 0, and 0 below two replicates.

    Args:
        differences: per replicate, (N_r,): of every test image, arm minus baseline, so that their mean is the replicate's.
        images: per replicate, (N_r,): which image each of them is, ascending and without repetitions.
    """
    arrays = [np.asarray(each, float) for each in differences]
    centred = [each - each.mean() for each in arrays]
    which = [np.asarray(each) for each in images]
    count = len(centred)
    if count < 2:
        return 0.0
    universe = np.unique(np.concatenate(which))
    sums, squares = np.zeros(len(universe)), np.zeros(len(universe))
    for values, index in zip(centred, which, strict=True):
        at = np.searchsorted(universe, index)
        scaled = values / len(values)
        np.add.at(sums, at, scaled)
        np.add.at(squares, at, scaled**2)
    # The sum over pairs of replicates r != s and images i in both of e_ri e_si / (N_r N_s), over the number of such pairs.
    return float(max(0.0, (sums**2 - squares).sum() / (count * (count - 1))))


def overlap_variance(variance: float, *, training: int, test: int) -> float:
    """Variance that heavily overlapping training sets hide (Nadeau and Bengio 2003, section 3): variance * test / training.

    With it the variance of a mean over n replicates is variance * (1 / n + test / training).

    Args:
        variance: of the replicates' differences.
        training: number of training images.
        test: number of test images.
    """
    return variance * test / training


def overlap(used: int, available: int) -> float:
    """Expected share of training images that two random draws of `used` of `available` images have in common, 0 to 1."""
    return used / available if available else 0.0
