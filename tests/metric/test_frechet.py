"""The Frechet distance against scipy's matrix square root, torchmetrics' formula and closed forms."""

import numpy as np
import pytest
import scipy.linalg
import torch
from torchmetrics.image.fid import _compute_fid

from sparring.core.errors import ConfigError, DataError
from sparring.metric.frechet import frechet, intra_class, moments_per_class
from sparring.metric.moments import Moments
from tests.metric.clouds import cloud


def by_sqrtm(x: torch.Tensor, y: torch.Tensor) -> float:
    a, b = x.double().numpy(), y.double().numpy()
    covariances = [np.cov(rows, rowvar=False) for rows in (a, b)]
    root = scipy.linalg.sqrtm(covariances[0] @ covariances[1])
    difference = a.mean(axis=0) - b.mean(axis=0)
    return float(difference @ difference + np.trace(sum(covariances)) - 2 * np.trace(root).real)


@pytest.mark.parametrize("count", [40, 400])
@pytest.mark.parametrize("dim", [3, 24])
def test_equals_sqrtm_and_torchmetrics(count: int, dim: int) -> None:
    x, y = cloud("x", count, dim), cloud("y", 300, dim, scale=1.3, shift=0.2)
    a, b = Moments.of(x), Moments.of(y)
    result = frechet(a, b)
    assert result.value == pytest.approx(by_sqrtm(x, y), rel=1e-6)
    assert result.value == pytest.approx(float(_compute_fid(a.mean, a.covariance, b.mean, b.covariance)), rel=1e-6)
    assert result.value == result.mean_term + result.covariance_term
    assert not result.singular
    assert frechet(b, a).value == pytest.approx(result.value, rel=1e-9)


@pytest.mark.parametrize(("fakes", "reals"), [(10, 300), (300, 10), (10, 12)])
def test_fewer_images_than_features_fall_back_and_say_so(fakes: int, reals: int) -> None:
    x, y = cloud("x", fakes, 24), cloud("y", reals, 24, scale=1.3)
    result = frechet(Moments.of(x), Moments.of(y))
    assert result.singular
    # Independent: the nonzero eigenvalues of A B are those of the small matrix of inner products.
    a, b = ((rows.double() - rows.double().mean(0)) / (len(rows) - 1) ** 0.5 for rows in (x, y))
    trace = float(torch.linalg.svdvals(a @ b.T).sum())
    expected = float((x.double().mean(0) - y.double().mean(0)).square().sum() + a.square().sum() + b.square().sum())
    assert result.value == pytest.approx(expected - 2 * trace, rel=1e-6)


def test_one_dimension_in_closed_form() -> None:
    x, y = torch.tensor([[0.0], [2.0]]), torch.tensor([[5.0], [9.0]])  # deviations sqrt(2) and sqrt(8)
    assert frechet(Moments.of(x), Moments.of(y)).value == pytest.approx(6**2 + (8**0.5 - 2**0.5) ** 2, rel=1e-12)


def test_equal_sets_have_distance_zero() -> None:
    moments = Moments.of(cloud("x", 200, 10))
    assert frechet(moments, moments).value == pytest.approx(0, abs=1e-9)


def test_identical_images_give_the_reference_variance() -> None:
    y = cloud("y", 200, 6)
    collapsed = frechet(Moments.of(y[:1].repeat(50, 1)), Moments.of(y))
    assert collapsed.singular
    expected = float((y[0].double() - y.double().mean(0)).square().sum() + y.double().var(0).sum())
    assert collapsed.value == pytest.approx(expected, rel=1e-9)


def test_a_constant_feature_is_singular_but_exact() -> None:
    x, y = cloud("x", 100, 5), cloud("y", 100, 5)
    x[:, 2], y[:, 2] = 0.0, 0.0
    kept = [0, 1, 3, 4]
    result = frechet(Moments.of(x), Moments.of(y))
    assert result.singular
    assert result.value == pytest.approx(frechet(Moments.of(x[:, kept]), Moments.of(y[:, kept])).value, rel=1e-9)


def test_the_small_sample_bias_shrinks_with_the_count() -> None:
    """Two samples of one distribution: the real-data reference that a value must be read against."""
    references = [frechet(Moments.of(cloud("x", n, 16)), Moments.of(cloud("y", n, 16))).value for n in (50, 500, 5000)]
    assert references[0] > 3 * references[1] > 9 * references[2] > 0


def test_intra_class_is_the_mean_and_names_a_missing_class() -> None:
    label = torch.arange(120) % 3
    fake, real = moments_per_class(cloud("x", 120, 4), label), moments_per_class(cloud("y", 120, 4, shift=0.5), label)
    result = intra_class(fake, real)
    singles = [frechet(fake[k], real[k]).value for k in range(3)]
    assert result.value == pytest.approx(sum(singles) / 3, rel=1e-12)
    assert [result.per_class[k].value for k in range(3)] == singles
    del fake[1]
    with pytest.raises(DataError, match="fakes have fewer than 2 images of class 1:"):
        intra_class(fake, real)


def test_unlabelled_rows_are_in_no_class() -> None:
    assert moments_per_class(cloud("x", 4, 2), torch.tensor([-1, 0, 0, -1])).keys() == {0}


def test_different_features_are_refused() -> None:
    with pytest.raises(ConfigError, match="3 features and the reference 4"):
        frechet(Moments.of(cloud("x", 9, 3)), Moments.of(cloud("y", 9, 4)))
    with pytest.raises(DataError, match="2 or more images, got 1"):
        frechet(Moments.of(cloud("x", 1, 3)), Moments.of(cloud("y", 9, 3)))
