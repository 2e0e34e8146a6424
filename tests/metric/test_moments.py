"""Streaming moments against numpy's, however the rows are cut."""

import numpy as np
import pytest
import torch

from sparring.core.errors import ConfigError, DataError
from sparring.metric.moments import Moments
from tests.metric.clouds import cloud


@pytest.mark.parametrize("batch", [1, 7, 50, 101])
def test_equal_numpy_for_every_batch_size(batch: int) -> None:
    x = cloud("a", 101, 6, shift=100.0)
    moments = Moments(6)
    for rows in x.split(batch):
        moments.add(rows)
    assert moments.count == 101
    np.testing.assert_allclose(moments.mean, x.double().numpy().mean(axis=0), rtol=1e-13)
    np.testing.assert_allclose(moments.covariance, np.cov(x.double().numpy(), rowvar=False), rtol=1e-10, atol=1e-12)


def test_a_large_offset_loses_no_digits() -> None:
    x = cloud("a", 500, 4).double()
    far = Moments.of(x + 1e6)
    torch.testing.assert_close(far.covariance, Moments.of(x).covariance, rtol=1e-7, atol=1e-9)


def test_packing_is_lossless() -> None:
    moments = Moments.of(cloud("a", 30, 5))
    again = Moments.unpacked(moments.packed())
    assert again.count == 30
    assert torch.equal(again.mean, moments.mean)
    assert torch.equal(again.scatter, moments.scatter)


def test_what_is_refused() -> None:
    moments = Moments(3)
    with pytest.raises(DataError, match="2 or more images, got 0"):
        _ = moments.covariance
    with pytest.raises(DataError, match=r"NaN or infinity in 1 of 4 rows \(first: row 2\)"):
        moments.add(torch.tensor([[0.0] * 3, [1.0] * 3, [torch.nan] * 3, [2.0] * 3]))
    with pytest.raises(ConfigError, match="of 3 features, got 4"):
        moments.add(torch.zeros(2, 4))
    assert moments.count == 0
