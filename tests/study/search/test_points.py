"""Drawn points lie between the ends of each axis, on its own scale, and do not depend on how many are drawn."""

import math

from sparring.study.cells.axis import Axis
from sparring.study.search.points import placed, random_points

AXES = [Axis("generator_optimizer", (1e-4, 1e-2), 1e-3), Axis("batch_size", (32.0, 64.0, 128.0), 64.0)]


def test_points_are_logarithmic_within_the_ends_and_a_longer_search_begins_alike() -> None:
    few, many = random_points(AXES, 20, seed=1), random_points(AXES, 200, seed=1)
    assert many[:20] == few != random_points(AXES, 20, seed=2)
    assert len(set(many)) == 200
    assert all(1e-4 <= rate <= 1e-2 and batch in AXES[1].rates for rate, batch in many)
    below = sum(rate < 1e-3 for rate, _ in many) / 200  # the middle on the logarithmic scale
    assert abs(below - 0.5) < 0.1
    assert {batch for _, batch in many} == set(AXES[1].rates)


def test_a_point_has_three_digits() -> None:
    assert placed(AXES[0], 0.0) == 1e-4
    assert math.isclose(placed(AXES[0], 1 / 3), 4.64e-4)


def test_a_search_over_few_values_ends() -> None:
    assert len(random_points([AXES[1]], 50, seed=1)) == 3
