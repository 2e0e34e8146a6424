"""The inception score against its definition, the mean divergence."""

import math

import numpy as np
import pytest
import torch

from sparring.core.errors import ConfigError, DataError
from sparring.metric.inception_score import inception_score
from tests.metric.clouds import cloud


def by_definition(p: np.ndarray) -> float:
    marginal = p.mean(axis=0)
    return math.exp(np.mean([sum(a * math.log(a / b) for a, b in zip(row, marginal, strict=True) if a) for row in p]))


def test_equals_the_mean_divergence_in_every_split() -> None:
    p = cloud("x", 90, 7, scale=3).softmax(dim=1)
    parts = [by_definition(part) for part in np.split(p.double().numpy(), 3)]
    result = inception_score(p, splits=3)
    assert (result.mean, result.std) == pytest.approx((np.mean(parts), np.std(parts)), rel=1e-6)
    assert inception_score(p).mean == pytest.approx(by_definition(p.double().numpy()), rel=1e-6)


@pytest.mark.parametrize(("rows", "expected"), [(torch.eye(5), 5.0), (torch.eye(5)[:1].repeat(8, 1), 1.0)])
def test_bounds(rows: torch.Tensor, expected: float) -> None:
    """One class each: K. All the same: 1."""
    assert inception_score(rows).mean == pytest.approx(expected, rel=1e-12)


def test_what_is_refused() -> None:
    with pytest.raises(ConfigError, match="softmax"):
        inception_score(cloud("x", 9, 3))
    with pytest.raises(DataError, match="needs 10"):
        inception_score(torch.eye(5), splits=10)
    with pytest.raises(DataError, match="NaN"):
        inception_score(torch.full((3, 3), torch.nan))
