"""Kernel inception distance: the unbiased squared maximum mean discrepancy (Binkowski et al. 2018, section 4)."""

from torch import Tensor

from sparring.metric.check import check_features, check_pair
from sparring.metric.distances import CHUNK


def kid(
    fake: Tensor, real: Tensor, *, degree: int = 3, gamma: float | None = None, chunk: int = CHUNK,
    within_real: float | None = None,
) -> float:  # fmt: skip
    """Unbiased MMD^2 with k(x, y) = (gamma x'y + 1)^degree over *all* pairs; not a mean over random subsets.

    Float64 throughout; the largest block is chunk x M. The estimator is unbiased, so the value can be a little below 0.

    Args:
        fake: (N, D), N >= 2.
        real: (M, D), M >= 2.
        degree: of the polynomial kernel.
        gamma: scale of the inner product; None means 1 / D.
        chunk: rows of a block.
        within_real: `mean_of_pairs(real)` of the same kernel, where it is known.

    Raises:
        DataError: fewer than two rows on a side, or NaN. ConfigError: different D.
    """
    check_pair(fake, real, at_least=2)
    gamma = 1 / fake.shape[1] if gamma is None else gamma
    if within_real is None:
        within_real = mean_of_pairs(real, degree=degree, gamma=gamma, chunk=chunk)
    within = mean_of_pairs(fake, degree=degree, gamma=gamma, chunk=chunk) + within_real
    between = sum(float(_kernel(rows, real, degree, gamma).sum()) for rows in fake.split(chunk))
    return within - 2 * between / (len(fake) * len(real))


def _kernel(x: Tensor, y: Tensor, degree: int, gamma: float) -> Tensor:
    """(N, M) float64."""
    return (x.double() @ y.double().T).mul_(gamma).add_(1.0).pow_(degree)


def mean_of_pairs(x: Tensor, *, degree: int = 3, gamma: float | None = None, chunk: int = CHUNK) -> float:
    """Mean of the kernel over ordered pairs of different rows of x (N, D); each block above the diagonal counts twice.

    Raises DataError for fewer than two rows, or NaN.
    """
    check_features(x, what="Features", at_least=2)
    gamma = 1 / x.shape[1] if gamma is None else gamma
    total, count = 0.0, len(x)
    for first in range(0, count, chunk):
        rows = x[first : first + chunk]
        own = _kernel(rows, rows, degree, gamma)
        total += float(own.sum() - own.trace())
        for later in x[first + chunk :].split(chunk):
            total += 2 * float(_kernel(rows, later, degree, gamma).sum())
    return total / (count * (count - 1))
