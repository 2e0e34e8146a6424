"""Every way of finding directions finds a planted factor first, and none of them by chance."""

import pytest
import torch

from sparring.config.build import build
from sparring.core.errors import ConfigError
from sparring.direction.base import Direction
from tests.conftest import compose
from tests.direction.planted import FACTOR, planted_space
from tests.leaves import single_leaves


def made(leaf: str, *overrides: str) -> Direction:
    config = compose(f"direction={leaf}", "run=x", *overrides, config="explain")
    found: Direction = build(config.direction, section="direction")
    return found


@pytest.mark.parametrize("leaf", single_leaves("direction"))
def test_directions_are_of_norm_one_and_seeded(leaf: str) -> None:
    space = planted_space()
    first, again = (made(leaf).find(space, 3, seed=1) for _ in range(2))
    assert first.vectors.shape[1] == 6
    assert 2 <= len(first.vectors) == len(first.names) == len(first.values) <= 3
    torch.testing.assert_close(first.vectors.norm(dim=1), torch.ones(len(first.vectors), dtype=torch.float64))
    torch.testing.assert_close(first.vectors, again.vectors)
    assert list(first.values) == sorted(first.values, reverse=True)


@pytest.mark.parametrize("leaf", ["sefa", "pca", "boundary"])
def test_the_planted_factor_is_found_first(leaf: str) -> None:
    found = made(leaf).find(planted_space(), 2, seed=0)
    assert abs(float(found.vectors[0, FACTOR])) > 0.95
    control = made("random").find(planted_space(), 6, seed=0)
    assert control.vectors[:, FACTOR].abs().max() < 0.95


@pytest.mark.parametrize("leaf", single_leaves("direction"))
def test_directions_do_not_depend_on_the_batch_size(leaf: str, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = made(leaf).find(planted_space(), 3, seed=0).vectors
    monkeypatch.setattr("sparring.direction.shared.space.TOGETHER", 7)
    torch.testing.assert_close(made(leaf).find(planted_space(), 3, seed=0).vectors, whole, atol=1e-6, rtol=0)


def test_a_boundary_needs_a_classifier() -> None:
    with pytest.raises(ConfigError, match=r"direction=boundary follows the logits .* give classifier=<run"):
        made("boundary").check(planted_space(classifier=False))


def test_a_boundary_points_to_its_class() -> None:
    found = made("boundary").find(planted_space(), 2, seed=0)
    sign = {name: float(vector[FACTOR]) for name, vector in zip(found.names, found.vectors, strict=True)}
    assert sign["towards bright"] > 0.9
    assert sign["towards dark"] < -0.9
