"""KID against the double sum it is defined by, torchmetrics' and torch-fidelity's own functions, and unbiasedness."""

import numpy as np
import pytest
import torch
from torchmetrics.image.kid import maximum_mean_discrepancy, poly_kernel

from sparring.core.errors import ConfigError, DataError
from sparring.metric.kernel import kid
from tests.metric.clouds import cloud
from tests.metric.fidelity import fidelity


def by_sums(x: np.ndarray, y: np.ndarray) -> float:
    def kernel(a: np.ndarray, b: np.ndarray) -> float:
        return float((a @ b / len(a) + 1) ** 3)

    n, m = len(x), len(y)
    within_x = sum(kernel(x[i], x[j]) for i in range(n) for j in range(n) if i != j) / (n * (n - 1))
    within_y = sum(kernel(y[i], y[j]) for i in range(m) for j in range(m) if i != j) / (m * (m - 1))
    return within_x + within_y - 2 * sum(kernel(a, b) for a in x for b in y) / (n * m)


@pytest.mark.parametrize("chunk", [1, 5, 13, 1024])
def test_equals_the_double_sum_for_every_chunk(chunk: int) -> None:
    x, y = cloud("x", 20, 5), cloud("y", 13, 5, shift=0.3)
    expected = by_sums(x.double().numpy(), y.double().numpy())
    assert kid(x, y, chunk=chunk) == pytest.approx(expected, rel=1e-9)


def test_equals_torchmetrics() -> None:
    x, y = cloud("x", 60, 30).double(), cloud("y", 60, 30, shift=0.2).double()
    expected = maximum_mean_discrepancy(poly_kernel(x, x), poly_kernel(x, y), poly_kernel(y, y))
    assert kid(x, y) == pytest.approx(float(expected), rel=1e-9)


def test_equals_torch_fidelity() -> None:
    metric = fidelity("torch_fidelity.metric_kid")
    x, y = cloud("x", 60, 30).double().numpy(), cloud("y", 60, 30, shift=0.2).double().numpy()
    settings = {
        "kid_kernel": "poly",
        "kid_kernel_poly_degree": 3,
        "kid_kernel_poly_gamma": None,
        "kid_kernel_poly_coef0": 1,
    }
    expected = metric.kernel_mmd(x, y, **settings)
    assert kid(torch.from_numpy(x), torch.from_numpy(y)) == pytest.approx(float(expected), rel=1e-9)


def test_unbiased_for_equal_distributions() -> None:
    values = [kid(cloud(f"x{i}", 30, 4), cloud(f"y{i}", 20, 4)) for i in range(200)]
    assert min(values) < 0 < max(values)
    assert abs(np.mean(values)) < 3 * np.std(values) / 200**0.5


def test_identical_images_are_a_clear_result() -> None:
    same = torch.full((5, 3), 0.5)
    assert kid(same, same) == pytest.approx(0, abs=1e-15)
    assert kid(same, cloud("y", 40, 3, scale=5)) > 0.1


def test_what_is_refused() -> None:
    with pytest.raises(DataError, match="fakes are 1 rows, this metric needs 2"):
        kid(cloud("x", 1, 3), cloud("y", 5, 3))
    with pytest.raises(DataError, match="reference hold NaN"):
        kid(cloud("x", 5, 3), torch.full((5, 3), torch.nan))
    with pytest.raises(ConfigError, match="one extractor for both"):
        kid(cloud("x", 5, 3), cloud("y", 5, 4))
