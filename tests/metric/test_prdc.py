"""Precision, recall, density, coverage against the definition in plain numpy, and against the authors' package."""

import contextlib
import io

import numpy as np
import pytest
import torch

from sparring.core.errors import ConfigError, DataError
from sparring.metric.prdc import PRDC, prdc
from tests.metric.clouds import cloud

NAMES = ("precision", "recall", "density", "coverage")


def brute_force(fake: torch.Tensor, real: torch.Tensor, k: int) -> dict[str, float]:
    f, r = fake.double().numpy(), real.double().numpy()

    def distance(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return np.linalg.norm(a[:, None] - b[None], axis=2)

    def radius(a: np.ndarray) -> np.ndarray:
        own = distance(a, a)
        np.fill_diagonal(own, np.inf)
        return np.sort(own, axis=1)[:, k - 1]

    between = distance(r, f)
    inside = between < radius(r)[:, None]
    return {
        "precision": inside.any(axis=0).mean(),
        "recall": (between < radius(f)[None]).any(axis=1).mean(),
        "density": inside.sum(axis=0).mean() / k,
        "coverage": (between.min(axis=1) < radius(r)).mean(),
    }


@pytest.mark.parametrize("k", [1, 5])
@pytest.mark.parametrize("chunk", [1, 17, 1024])
def test_equals_the_definition_for_every_chunk(k: int, chunk: int) -> None:
    fake, real = cloud("x", 90, 6, scale=0.8, shift=0.2), cloud("y", 70, 6)
    result, expected = prdc(fake, real, k=k, chunk=chunk), brute_force(fake, real, k)
    assert {name: getattr(result, name) for name in NAMES} == pytest.approx(expected, rel=1e-12)
    assert 0 < result.recall < 1


def test_equals_the_authors_package() -> None:
    package = pytest.importorskip("prdc", reason="prdc is not installed (pip install --no-deps prdc)")
    fake, real = cloud("x", 200, 12, scale=0.8, shift=0.2), cloud("y", 150, 12)
    with contextlib.redirect_stdout(io.StringIO()):
        expected = package.compute_prdc(real.double().numpy(), fake.double().numpy(), nearest_k=5)
    result = prdc(fake, real, k=5)
    assert {name: getattr(result, name) for name in NAMES} == pytest.approx(expected, rel=1e-12)


def test_a_large_offset_changes_nothing() -> None:
    fake, real = cloud("x", 80, 6).double(), cloud("y", 80, 6).double()
    assert prdc(fake + 1e5, real + 1e5) == prdc(fake, real)


def test_collapsed_fakes_are_a_clear_result() -> None:
    real = cloud("y", 100, 4)
    result = prdc(real[:1].repeat(50, 1) + 1e-4, real)
    assert (result.precision, result.recall) == (1.0, 0.0)
    assert result.coverage < 0.2


def test_disjoint_sets_score_zero() -> None:
    assert prdc(cloud("x", 50, 4), cloud("y", 50, 4, shift=100.0)) == PRDC(0.0, 0.0, 0.0, 0.0, 5)


def test_what_is_refused() -> None:
    with pytest.raises(DataError, match="fakes are 5 rows, this metric needs 6"):
        prdc(cloud("x", 5, 3), cloud("y", 50, 3))
    with pytest.raises(DataError, match="every ball is a point"):
        prdc(cloud("x", 9, 3), torch.ones(9, 3))
    with pytest.raises(ConfigError, match="k=0"):
        prdc(cloud("x", 9, 3), cloud("y", 9, 3), k=0)
    with pytest.raises(DataError, match="NaN"):
        prdc(torch.full((9, 3), torch.nan), cloud("y", 9, 3))


@pytest.mark.parametrize("offset", [0.0, 100.0])
def test_copies_are_at_distance_zero(offset: float) -> None:
    """50 points, each six times: every ball is a point, whatever the rounding of the expanded square."""
    points = cloud("copies", 50, 16).repeat_interleave(6, dim=0) + offset
    with pytest.raises(DataError, match="exact copies"):
        prdc(cloud("others", 60, 16), points)


def test_a_copy_of_the_reference_has_a_density_of_one() -> None:
    """The k-th neighbour lies on the sphere, thus outside: each ball holds its centre and k - 1 others."""
    real = cloud("reference", 400, 8) + 30
    result = prdc(real.clone(), real)
    assert (result.precision, result.recall, result.coverage) == (1.0, 1.0, 1.0)
    assert result.density == 1.0
