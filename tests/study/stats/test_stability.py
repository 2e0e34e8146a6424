"""The course of constructed trainings."""

import math

import pytest

from sparring.study.stats.rates import Outcome
from sparring.study.stats.stability import course, widest

X = (10.0, 20.0, 30.0, 40.0)


def test_a_training_that_improves_ends_at_its_best() -> None:
    found = course(Outcome.TRAINED, X, (8.0, 4.3, 4.0, 4.0))
    assert (found.final, found.best, found.ratio, found.near, found.above) == (4.0, 4.0, 1.0, 20.0, None)


def test_the_first_measurement_far_above_the_best_before_it() -> None:
    found = course(Outcome.DIVERGED, X, (4.0, 7.9, 8.1, 2.0))
    assert (found.above, found.best, found.near) == (30.0, 2.0, 40.0)
    assert course(Outcome.TRAINED, X, (9.0, 4.0, 2.0, 4.0)).above is None  # just twice the best


def test_a_value_that_is_not_finite_is_far_above() -> None:
    found = course(Outcome.DIVERGED, X[:3], (4.0, 3.0, math.nan))
    assert (found.above, found.final, found.ratio) == (30.0, math.inf, math.inf)
    nothing = course(Outcome.DIVERGED, X[:1], (math.nan,))
    assert math.isnan(nothing.final)
    assert nothing.above is None


@pytest.mark.parametrize(
    ("trained", "found"),
    [
        ([True, False, True, True], (2, 3)),
        ([True, True, False, True], (0, 1)),
        ([False], None),
        ([], None),
        ([True], (0, 0)),
    ],
)
def test_the_widest_range_of_rates_has_no_gap(trained: list[bool], found: tuple[int, int] | None) -> None:
    assert widest(trained) == found
