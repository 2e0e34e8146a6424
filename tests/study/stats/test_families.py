"""Which comparisons are corrected with which, and by simulation how often a family is wrong."""

import math

import numpy as np
import pytest

from sparring.study.stats.families import CONTROL, PRIMARY, SEQUENCE, failed_controls, fixed_sequence, judged
from sparring.study.stats.mean_test import MeanTest
from sparring.study.stats.statistics import holm
from sparring.study.stats.verdict import DIFFERENT, Comparison, Verdict, compare

BASE = np.array([90.0, 91.0, 92.0, 90.5, 91.5, 92.5])
CLEAR, WEAK, NOTHING = [2.0, 2.1, 1.9, 2.2, 2.0, 1.8], [1.6, 0.3, 0.6, 1.0, 0.9, 0.2], [0.3, -0.2, 0.1, -0.3, 0.2, -0.1]


def row(delta: list[float], *, arm: str = "gan", baseline: str = "aug", where: str = "5", measure: str = "accuracy",
        primary: bool = False, must: Verdict | None = None) -> Comparison:  # fmt: skip
    return compare(
        (BASE + delta).tolist(), BASE.tolist(), arm=arm, baseline=baseline, where=where, measure=measure,
        smallest_effect=1.0, primary=primary, must=must,
    )  # fmt: skip


def test_families_are_by_question() -> None:
    rows = judged([
        row(CLEAR, primary=True), row(CLEAR, where="10"), row(CLEAR, arm="real"), row(CLEAR, arm="real", where="10"),
        row(CLEAR, baseline="gaussian"), row(CLEAR, arm="more_real", must=Verdict.HELPS), row(CLEAR, measure="recall"),
        row(CLEAR, arm="gan", baseline="real", measure="recall"),
    ])  # fmt: skip
    others, controls = "accuracy, other arms against aug", "accuracy, gan against its controls"
    assert [each.family for each in rows] == [
        PRIMARY, SEQUENCE, others, others, controls, f"{CONTROL}: more_real against aug", "recall, other arms against aug",
        "recall, other arms against real",
    ]  # fmt: skip
    assert rows[0].p_difference_corrected == rows[0].p_difference
    assert rows[2].p_difference_corrected == pytest.approx(2 * rows[2].p_difference)
    assert rows[4].p_difference_corrected == rows[4].p_difference


def test_holm_withdraws_what_one_of_many_shows_by_chance() -> None:
    assert row(WEAK).verdict is Verdict.HELPS
    first, *_ = judged([row(WEAK, arm="a"), *[row([2.1, -2.1] * 3, arm=str(i)) for i in range(5)]])
    assert first.verdict is Verdict.OPEN
    assert "not after correction" in first.note
    assert first.p_difference_corrected == pytest.approx(6 * first.p_difference)
    assert first.needed > 6


def test_a_setting_is_tested_only_after_those_before_it() -> None:
    noisy = [3.0, -3.0, 2.5, -2.0, 2.0, -2.4]
    after_clear = judged([row(CLEAR, primary=True), row(WEAK, where="10")])
    after_noise = judged([row(noisy, primary=True), row(WEAK, where="10"), row(CLEAR, where="20")])
    assert after_clear[1].verdict is Verdict.HELPS
    assert [each.verdict for each in after_noise] == [Verdict.OPEN] * 3
    assert fixed_sequence([0.01, 0.2, 0.001]) == [0.01, 0.2, 0.2]
    assert [math.isnan(each) for each in fixed_sequence([math.nan, 0.2])] == [True, True]


def test_no_difference_needs_a_positive_control_that_works() -> None:
    control = {"arm": "more_real", "must": Verdict.HELPS}
    seen = judged([row(NOTHING, primary=True), row(CLEAR, **control)])  # type: ignore[arg-type]
    unseen = judged([row(NOTHING, primary=True), row(NOTHING, **control)])  # type: ignore[arg-type]
    assert (seen[0].verdict, failed_controls(seen)) == (Verdict.NO_DIFFERENCE, [])
    assert unseen[0].verdict is Verdict.OPEN
    assert "positive control" in unseen[0].note
    assert failed_controls(unseen) == [unseen[1]]


@pytest.mark.slow
@pytest.mark.parametrize("members", [5, 20])
def test_a_family_is_as_rarely_wrong_as_a_single_comparison(members: int) -> None:
    """The p-values that `judged` corrects, for thousands of families at once; and `judged` itself for one."""
    x = np.random.default_rng(members).normal(0, 1, (2_000, members, 6))
    p = MeanTest.of(x).difference()
    assert np.mean(p.min(axis=1) * members <= 0.05) <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 2_000)
    rows = judged([row(list(delta), arm=str(i)) for i, delta in enumerate(x[0])])
    assert [each.p_difference_corrected for each in rows] == pytest.approx(holm(p[0].tolist()))
    assert [each.verdict in DIFFERENT for each in rows] == [value <= 0.05 for value in holm(p[0].tolist())]
