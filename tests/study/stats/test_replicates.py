"""Replicates needed, by simulation of studies that have them."""

import math

import numpy as np
import pytest

from sparring.study.stats.mean_test import MeanTest
from sparring.study.stats.replicates import decision_probability, replicates_to_decide


@pytest.mark.slow
@pytest.mark.parametrize(("delta", "shared"), [(0.0, 0.0), (0.3, 0.0), (1.6, 0.0), (2.0, 0.1)])
def test_so_many_replicates_decide_about_four_of_five_studies(delta: float, shared: float) -> None:
    needed = int(replicates_to_decide(delta, 1.5, 1.0, shared_variance=shared))
    random = np.random.default_rng(0)
    x = random.normal(delta, 1.5, (20_000, needed)) + random.normal(0, math.sqrt(shared), (20_000, 1))
    test = MeanTest.of(x, shared_variance=shared)
    decided = np.mean((test.difference() <= 0.05) | (test.equivalence(1.0) <= 0.05))
    assert 0.77 <= decided <= 0.86


def test_the_probability_is_one_without_any_spread() -> None:
    assert decision_probability(6, delta=0.2, std=0.0, smallest_effect=1.0) == 1


def test_images_that_all_replicates_share_can_make_it_impossible() -> None:
    assert math.isinf(replicates_to_decide(0.5, 0.1, 1.0, shared_variance=1.0))
    assert math.isnan(replicates_to_decide(math.nan, 1.0, 1.0))
