"""Successive halving keeps the settings that lost the fewest seeds and, of these, the best."""

import math

import pytest

from sparring.core.errors import ConfigError
from sparring.study.search.halving import at_rungs, check_keep, share_of_full, survivors
from sparring.study.stats.rates import Objective, Outcome, Setting

FD = Objective("fd", higher=False, ratios=True)
T = Outcome.TRAINED


def setting(rate: float, final: list[float], outcomes: list[Outcome]) -> Setting:
    return Setting((rate,), tuple(outcomes), tuple(final), tuple(final))


def test_a_collapsed_seed_loses_to_none_and_what_is_not_learned_yet_does_not() -> None:
    settings = [
        setting(1, [0.1, 0.1], [T, Outcome.COLLAPSED]),
        setting(2, [8.0, 8.0], [Outcome.NEVER_LEARNED] * 2),
        setting(3, [9.0, 9.0], [T, T]),
        setting(4, [math.nan, math.nan], [Outcome.DIVERGED] * 2),
    ]
    assert survivors(settings, 0.5, FD) == [(2,), (3,)]
    assert survivors(settings, 0.75, FD) == [(1,), (2,), (3,)]
    assert survivors(settings[3:], 0.5, FD) == []  # nothing to go on with
    best = [setting(rate, [rate], [T]) for rate in (3, 1, 2)]
    assert survivors(best, 0.6, FD) == [(1,), (2,)]  # in the order given


def test_the_cost_counts_each_iteration_once() -> None:
    assert at_rungs(400) == [100, 200, 400]
    assert at_rungs(2) == [1, 2]
    assert share_of_full([25, 10, 4], [100, 200, 400]) == pytest.approx((25 * 100 + 10 * 100 + 4 * 200) / (25 * 400))
    assert share_of_full([25], [400]) == 1


@pytest.mark.parametrize(("keep", "points"), [(0.0, 9), (1.0, 9), (0.9, 9), (0.6, 2)])
def test_a_share_that_prunes_nothing_is_refused(keep: float, points: int) -> None:
    with pytest.raises(ConfigError, match=r"study\.keep="):
        check_keep(keep, points=points)
    check_keep(None, points=points)
    check_keep(0.4, points=points)
