"""Frechet distance between Gaussians fitted to features (Heusel et al. 2017, equation 6; Dowson and Landau 1982)."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from sparring.core.errors import ConfigError, DataError
from sparring.metric.moments import Moments


@dataclass(frozen=True)
class Frechet:
    """value = mean_term + covariance_term, each >= 0.

    mean_term: squared distance of the means.
    covariance_term: tr(A + B - 2 (A B)^(1/2)).
    singular: a covariance has no full rank (fewer images than features, or constant features). The value is exact for
        these images, but its bias from the sample count is large: compare only with the same count.
    """

    value: float
    mean_term: float
    covariance_term: float
    singular: bool


def frechet(fake: Moments, real: Moments) -> Frechet:
    """|mean difference|^2 + tr(A + B - 2 (A B)^(1/2)) with unbiased covariances.

    Args:
        fake, real: moments of the same D features.

    Raises:
        ConfigError: different numbers of features. DataError: fewer than two images on a side.
    """
    if fake.dim != real.dim:
        raise ConfigError(
            f"The fakes have {fake.dim} features and the reference {real.dim}: use one extractor for both."
        )
    a, b = fake.covariance, real.covariance.to(fake.mean.device)
    root, regular = trace_of_root(a, b)
    mean_term = float((fake.mean - real.mean.to(fake.mean.device)).square().sum())
    covariance_term = max(0.0, float(a.trace() + b.trace()) - 2 * root)
    singular = not regular or min(fake.count, real.count) <= fake.dim
    return Frechet(mean_term + covariance_term, mean_term, covariance_term, singular)


def trace_of_root(a: Tensor, b: Tensor) -> tuple[float, bool]:
    """tr (A B)^(1/2), and whether both matrices are regular.

    Args:
        a, b: covariances (D, D) float64.

    With A = L L', A B has the eigenvalues of the symmetric L' B L: one Cholesky factor and one eigvalsh, an eighth of the
    cost of a matrix square root at 2048 features. A singular A takes its symmetric root by eigh instead.
    """
    factor, regular = _factor(a)
    if not regular:
        other, other_regular = _factor(b)
        if other_regular:  # the trace is symmetric in A and B
            return _trace(other, a), False
        factor = _symmetric_root(a)
    product_root = _trace(factor, b)
    return product_root, regular and _factor(b)[1]


def _factor(a: Tensor) -> tuple[Tensor, bool]:
    factor, failed = torch.linalg.cholesky_ex(a)
    pivots = factor.diagonal().square()
    # A pivot at the level of rounding means a singular matrix whose factor is noise there.
    regular = int(failed) == 0 and bool(pivots.min() > _tiny(a.diagonal()))
    return factor, regular


def _symmetric_root(a: Tensor) -> Tensor:
    values, vectors = torch.linalg.eigh(a)
    values = values.where(values > _tiny(values), values.new_zeros(()))
    return vectors * values.sqrt()


def _trace(factor: Tensor, b: Tensor) -> float:
    values = torch.linalg.eigvalsh(factor.T @ b @ factor)
    return float(values.where(values > _tiny(values), values.new_zeros(())).sqrt().sum())


def _tiny(values: Tensor) -> Tensor:
    """Below this, eigenvalues and pivots are rounding."""
    return torch.finfo(values.dtype).eps * len(values) * values.max().clamp_min(0)


@dataclass(frozen=True)
class IntraClass:
    """value: mean over the classes of per_class {class: Frechet}."""

    value: float
    per_class: dict[int, Frechet]


def intra_class(fake: Mapping[int, Moments], real: Mapping[int, Moments]) -> IntraClass:
    """Frechet distance within every class of the reference (Miyato and Koyama 2018, section 5.1), and the mean.

    Args:
        fake, real: class index -> moments, as `moments_per_class` gives them.

    Raises:
        DataError: a class of the reference has fewer than two fakes; the sentence says which.
    """
    for side, moments in (("reference", real), ("fakes", fake)):
        missing = [k for k in sorted(real) if k not in moments or moments[k].count < 2]
        if missing:
            raise DataError(
                f"The {side} have fewer than 2 images of class {', '.join(map(str, missing))}: the intra-class distance"
                " needs every class; give more images with label=balanced, or leave this metric out."
            )
    per_class = {k: frechet(fake[k], real[k]) for k in sorted(real)}
    return IntraClass(sum(result.value for result in per_class.values()) / len(per_class), per_class)


def moments_per_class(features: Tensor, label: Tensor) -> dict[int, Moments]:
    """Moments of the rows (N, D) of each class that occurs in label (N,) int64; negative labels are left out."""
    classes = [int(k) for k in label.unique().tolist() if k >= 0]
    return {k: Moments.of(features[label == k]) for k in classes}
