"""Levels of planned looks, against a simulation of them."""

import numpy as np
import pytest
from scipy import stats

from sparring.study.stats.levels import ALPHA, levels, one_sided_levels, planned_looks


def test_the_last_look_uses_the_whole_budget() -> None:
    assert planned_looks(24) == (6, 10, 16, 24)
    assert planned_looks(12) == (6, 10, 12)
    assert planned_looks(6) == (6,)


def test_one_look_has_the_whole_level() -> None:
    assert levels((6,), 0).difference == pytest.approx(ALPHA, rel=5e-3)
    assert levels((6,), 0).equivalence == pytest.approx(ALPHA, rel=5e-3)


def test_two_equal_steps_have_the_published_pocock_bounds() -> None:
    """Lan and DeMets 1983, table 1: Pocock-type spending of 0.025 at halves gives the bounds 2.157 and 2.201."""
    bounds = stats.norm.isf(one_sided_levels((1, 2), 0.025))
    assert bounds == pytest.approx([2.157, 2.201], abs=0.005)


@pytest.mark.parametrize("looks", [(6, 10, 16, 24), (6, 10, 12)])
def test_the_error_over_all_looks_is_the_level(looks: tuple[int, ...]) -> None:
    walks = np.random.default_rng(0).normal(size=(100_000, looks[-1])).cumsum(1)
    two, one = np.zeros(len(walks), bool), np.zeros(len(walks), bool)
    for k, n in enumerate(looks):
        z, level = walks[:, n - 1] / np.sqrt(n), levels(looks, k)
        two |= 2 * stats.norm.sf(np.abs(z)) <= level.difference
        one |= stats.norm.sf(z) <= level.equivalence
    assert two.mean() == pytest.approx(ALPHA, abs=0.0025)
    assert one.mean() == pytest.approx(ALPHA, abs=0.0025)
