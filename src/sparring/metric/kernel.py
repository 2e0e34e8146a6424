"""Kernel inception distance: the unbiased squared maximum mean discrepancy (Binkowski et al. 2018, section 4)."""

from torch import Tensor

from sparring.metric.check import check_pair
from sparring.metric.distances import CHUNK


def kid(fake: Tensor, real: Tensor, *, degree: int = 3, gamma: float | None = None, chunk: int = CHUNK) -> float:
    """Unbiased MMD^2 with k(x, y) = (gamma x'y + 1)^degree over *all* pairs; not a mean over random subsets.

    fake (N, D), real (M, D), N and M >= 2. gamma: None means 1 / D. Can be a little below 0: the estimator is unbiased.
    Float64 throughout; the largest block is chunk x M.

    Raises:
        DataError: fewer than two rows on a side, or NaN. ConfigError: different D.
    """
    check_pair(fake, real, at_least=2)
    gamma = 1 / fake.shape[1] if gamma is None else gamma
    between = sum(float(_kernel(rows, real, degree, gamma).sum()) for rows in fake.split(chunk))
    within = sum(_mean_of_pairs(x, degree, gamma, chunk) for x in (fake, real))
    return within - 2 * between / (len(fake) * len(real))


def _kernel(x: Tensor, y: Tensor, degree: int, gamma: float) -> Tensor:
    """(N, M) float64."""
    return (x.double() @ y.double().T).mul_(gamma).add_(1.0).pow_(degree)


def _mean_of_pairs(x: Tensor, degree: int, gamma: float, chunk: int) -> float:
    """Mean of the kernel over ordered pairs of different rows of x (N, D); each block above the diagonal counts twice."""
    total, count = 0.0, len(x)
    for first in range(0, count, chunk):
        rows = x[first : first + chunk]
        own = _kernel(rows, rows, degree, gamma)
        total += float(own.sum() - own.trace())
        for later in x[first + chunk :].split(chunk):
            total += 2 * float(_kernel(rows, later, degree, gamma).sum())
    return total / (count * (count - 1))
