"""Verdicts: the rule case by case."""

import math

import numpy as np
import pytest

from sparring.study.stats.levels import levels
from sparring.study.stats.mean_test import MeanTest
from sparring.study.stats.verdict import Comparison, Verdict, compare, skewness_bound

BASE = (90.0, 91.0, 92.0, 90.5, 91.5, 92.5)


def against(delta: list[float], *, smallest_effect: float = 1.0, shared_variance: float = 0.0) -> Comparison:
    base = BASE[: len(delta)]
    arm = [value + change for value, change in zip(base, delta, strict=True)]
    return compare(
        arm,
        base,
        arm="gan",
        baseline="real",
        smallest_effect=smallest_effect,
        primary=True,
        shared_variance=shared_variance,
    )


def test_helps_and_hurts_mirror_each_other() -> None:
    up, down = against([2, 2.2, 1.8, 2.1, 1.9, 2]), against([-2, -2.2, -1.8, -2.1, -1.9, -2])
    assert (up.verdict, down.verdict) == (Verdict.HELPS, Verdict.HURTS)
    assert (up.delta, up.wins, down.wins) == (pytest.approx(2), 6, 0)
    assert up.p == down.p == 2 / 64
    assert up.note == ""


def test_a_sign_flip_test_that_cannot_be_significant_is_not_held_against_a_difference() -> None:
    """At six replicates its smallest p is 2 / 64, above the level of a first look; a mixed sign is held against it."""
    first_look = levels([6, 10, 16, 24], 0)
    assert first_look.difference < 2 / 64
    arm = [92.0, 93.2, 93.8, 92.6, 93.4, 94.5]
    it = compare(arm, BASE, arm="gan", baseline="real", smallest_effect=1.0, levels=first_look)
    assert it.verdict is Verdict.HELPS
    assert it.note.endswith("has no p-value below 0.031 at 6 replicates and cannot confirm it (p = 0.031)")


def test_no_difference_needs_an_interval_within_the_smallest_effect() -> None:
    delta = [0.3, -0.2, 0.1, -0.3, 0.2, -0.1]
    assert against(delta).verdict is Verdict.NO_DIFFERENCE
    within = against(delta).equivalence_interval
    assert -1 < within.low < within.high < 1
    assert against(delta, smallest_effect=0.1).verdict is Verdict.OPEN


def test_an_open_comparison_says_how_many_replicates_would_decide_it() -> None:
    it = against([1.3, -0.2, 0.1, -0.3, 1.2, -0.1])
    assert it.verdict is Verdict.OPEN
    assert 6 < it.needed < 40
    assert math.isnan(against([2, 2.2, 1.8, 2.1, 1.9, 2]).needed)


def test_a_difference_that_is_too_small_to_matter_is_said_to_be() -> None:
    it = against([0.3, 0.35, 0.25, 0.3, 0.28, 0.32])
    assert it.verdict is Verdict.HELPS
    assert it.note == "by less than the 1 that would matter"


def test_arms_that_are_equal_in_every_replicate() -> None:
    assert against([0.0] * 6).verdict is Verdict.NO_DIFFERENCE
    assert against([0.5] * 6).verdict is Verdict.HELPS


def test_images_that_all_replicates_share_can_take_a_verdict_back() -> None:
    delta = [1.2, 1.0, 1.3, 1.1, 0.9, 1.2]
    assert against(delta).verdict is Verdict.HELPS
    shared = against(delta, shared_variance=1.0)
    assert shared.verdict is Verdict.OPEN
    assert 0 in shared.t_interval


@pytest.mark.parametrize("n", [1, 2, 5])
def test_below_six_replicates_there_is_no_p_and_no_claim(n: int) -> None:
    few = against([5.0, 5.1, 5.2, 4.9, 5.0][:n])
    assert few.verdict is Verdict.OPEN
    assert "not enough replicates" in few.note
    assert math.isnan(few.p)
    assert math.isnan(few.p_difference)
    assert few.n == n
    assert few.record()["needed"] is None


def test_failed_replicates_are_excluded_as_pairs() -> None:
    it = compare([math.nan, *BASE[1:]], BASE, arm="gan", baseline="real", smallest_effect=1.0)
    assert it.n == 5
    assert it.verdict is Verdict.OPEN
    assert it.mean == pytest.approx(np.mean(BASE[1:]))


def test_skewed_differences_are_flagged() -> None:
    it = against([3.0, 3.0, 3.0, 3.0, 3.0, -0.1])
    assert "skewed (-2.4)" in it.note
    assert "skewed" not in against([2, 2.2, 1.8, 2.1, 1.9, 2]).note
    x = np.random.default_rng(0).normal(0, 1, (20_000, 14))
    assert float(np.mean(np.abs(MeanTest.of(x).skewness) > skewness_bound(14))) == pytest.approx(0.05, abs=0.01)


def test_levels_of_a_look_widen_the_interval_and_ask_for_more() -> None:
    arm = [value + change for value, change in zip(BASE, [1.6, 0.3, 0.2, 1.0, 0.9, 0.4], strict=True)]
    settings = {"arm": "gan", "baseline": "real", "smallest_effect": 1.0}
    alone, early = compare(arm, BASE, **settings), compare(arm, BASE, **settings, levels=levels((6, 10, 16, 24), 0))
    assert alone.verdict is Verdict.HELPS
    assert early.verdict is Verdict.OPEN
    assert early.t_interval.low < alone.t_interval.low
    assert early.record()["levels"]["looks"] == 4
