"""Verdicts: the rule case by case, and by simulation how often it is wrong and how often it finds what is there."""

import math

import numpy as np
import pytest

from sparring.study.stats.statistics import UNDEFINED, detectable_effect
from sparring.study.stats.verdict import Comparison, Verdict, compare, holm_corrected

BASE = (90.0, 91.0, 92.0, 90.5, 91.5, 92.5)


def against(delta: list[float], *, smallest_effect: float = 1.0, primary: bool = True) -> Comparison:
    base = BASE[: len(delta)]
    arm = [value + change for value, change in zip(base, delta, strict=True)]
    return compare(arm, base, arm="gan", baseline="real", smallest_effect=smallest_effect, primary=primary)


def test_helps_and_hurts_mirror_each_other() -> None:
    up, down = against([2, 2.2, 1.8, 2.1, 1.9, 2]), against([-2, -2.2, -1.8, -2.1, -1.9, -2])
    assert (up.verdict, down.verdict) == (Verdict.HELPS, Verdict.HURTS)
    assert (up.delta, up.wins, down.wins) == (pytest.approx(2), 6, 0)
    assert up.p == down.p == 2 / 64
    assert up.note == ""


def test_no_evidence_needs_a_study_that_could_have_detected_the_effect() -> None:
    delta = [0.3, -0.2, 0.1, -0.3, 0.2, -0.1]
    assert against(delta).verdict is Verdict.NO_EVIDENCE
    assert against(delta, smallest_effect=0.1).verdict is Verdict.UNDERPOWERED
    assert against(delta).detectable == pytest.approx(detectable_effect(np.std(delta, ddof=1), 6))


def test_arms_that_are_equal_in_every_replicate_show_nothing() -> None:
    assert against([0.0] * 6).verdict is Verdict.NO_EVIDENCE
    assert against([0.5] * 6).verdict is Verdict.HELPS


@pytest.mark.parametrize("n", [1, 2, 5])
def test_below_six_replicates_there_is_no_p_and_no_claim(n: int) -> None:
    few = against([5.0, 5.1, 5.2, 4.9, 5.0][:n])
    assert few.verdict is Verdict.UNDERPOWERED
    assert "not enough replicates" in few.note
    assert math.isnan(few.p)
    assert math.isnan(few.p_t)
    assert few.n == n


def test_failed_replicates_are_excluded_as_pairs() -> None:
    it = compare([math.nan, *BASE[1:]], BASE, arm="gan", baseline="real", smallest_effect=1.0)
    assert it.n == 5
    assert it.verdict is Verdict.UNDERPOWERED
    assert it.mean == pytest.approx(np.mean(BASE[1:]))


def test_a_clear_interval_that_the_exact_test_does_not_confirm_is_noted() -> None:
    it = against([3.0, 3.0, 3.0, 3.0, 3.0, -0.1])
    assert it.verdict is Verdict.HELPS
    assert it.p == 4 / 64
    assert "does not confirm" in it.note


def test_holm_withdraws_what_one_of_many_shows_by_chance() -> None:
    weak = against([1.6, 0.3, 0.2, 1.0, 0.9, 0.1], primary=False)
    assert weak.verdict is Verdict.HELPS
    primary, first, *_ = holm_corrected(
        [against([2, 2.1, 1.9, 2, 2, 2]), weak, *[against([0.1, -0.1] * 3, primary=False)] * 4]
    )
    assert primary.verdict is Verdict.HELPS
    assert math.isnan(primary.p_holm)
    assert first.p_holm == pytest.approx(5 * weak.p_t)
    assert "after correction" in first.note
    # The correction demands more than a lone comparison does: what alone could have been detected is UNDERPOWERED.
    assert first.detectable == pytest.approx(detectable_effect(weak.delta_std, 6, 1 - 0.05 / 5))
    assert first.detectable > weak.detectable > first.delta
    assert first.verdict is Verdict.UNDERPOWERED
    assert primary.detectable == pytest.approx(detectable_effect(primary.delta_std, 6))


@pytest.fixture
def no_bootstrap(monkeypatch: pytest.MonkeyPatch) -> None:
    """No verdict depends on it, and it takes nine tenths of the time."""
    monkeypatch.setattr("sparring.study.stats.statistics.bca_interval", lambda values: UNDEFINED)


def claim_rate(deltas: np.ndarray, *, primary: bool = True) -> float:
    """Share of studies, rows of (studies, n), whose verdict is HELPS or HURTS."""
    claims = 0
    for row in deltas:
        one = compare(row, np.zeros_like(row), arm="a", baseline="b", smallest_effect=1.0, primary=primary)
        claims += one.verdict in (Verdict.HELPS, Verdict.HURTS)
    return claims / len(deltas)


def accuracies(random: np.random.Generator, studies: int, n: int) -> np.ndarray:
    """Accuracy in points on 597 images of two arms that do not differ, with the noise of the draw shared by both."""
    shared = random.normal(0.88, 0.02, (studies, n))
    arms = [np.clip(shared + random.normal(0, 0.012, (studies, n)), 0, 1) for _ in range(2)]
    right = [random.binomial(597, arm) for arm in arms]
    return 100 * (right[0] - right[1]) / 597


NULL_DISTRIBUTIONS = {
    "normal": lambda random, n: random.normal(0, 1.5, (1000, n)),
    "accuracies": lambda random, n: accuracies(random, 1000, n),
    "heavy tails": lambda random, n: random.standard_t(3, (1000, n)),
    "difference of skewed": lambda random, n: random.exponential(1, (1000, n)) - random.exponential(1, (1000, n)),
}


@pytest.mark.parametrize("n", [6, 10])
@pytest.mark.parametrize("null", NULL_DISTRIBUTIONS)
def test_under_the_null_claims_are_rare(null: str, n: int, no_bootstrap: None) -> None:
    noise = 1.645 * math.sqrt(0.05 * 0.95 / 1000)  # one-sided 95 % of a binomial share
    assert claim_rate(NULL_DISTRIBUTIONS[null](np.random.default_rng(n), n)) <= 0.05 + noise


@pytest.mark.parametrize("n", [6, 10])
def test_the_detectable_effect_is_found_in_four_of_five_studies(n: int, no_bootstrap: None) -> None:
    effect = detectable_effect(1.5, n)
    share = claim_rate(np.random.default_rng(n).normal(effect, 1.5, (1000, n)))
    assert share == pytest.approx(0.8, abs=2.6 * math.sqrt(0.8 * 0.2 / 1000))


def test_under_the_null_a_family_of_ten_claims_as_rarely_as_one(no_bootstrap: None) -> None:
    random, wrong = np.random.default_rng(3), 0
    for _ in range(200):
        deltas = random.normal(0, 1, (10, 6))
        family = holm_corrected(
            [compare(row, np.zeros(6), arm=str(i), baseline="b", smallest_effect=1.0) for i, row in enumerate(deltas)]
        )
        wrong += any(each.verdict in (Verdict.HELPS, Verdict.HURTS) for each in family)
    assert wrong / 200 <= 0.05 + 1.645 * math.sqrt(0.05 * 0.95 / 200)


@pytest.mark.parametrize("others", [4, 39])
def test_the_detectable_effect_is_found_among_many_comparisons_too(others: int, no_bootstrap: None) -> None:
    random, studies, n = np.random.default_rng(others), 200, 6
    effect = detectable_effect(1.5, n, 1 - 0.05 / (others + 1))
    detected = 0
    for _ in range(studies):
        rows = random.normal(0, 1.5, (others + 1, n))
        rows[0] += effect
        family = holm_corrected(
            [compare(r, np.zeros(n), arm="a", baseline="b", smallest_effect=1.0, primary=False) for r in rows]
        )
        detected += family[0].verdict is Verdict.HELPS
    assert detected / studies >= 0.8 - 2.6 * math.sqrt(0.8 * 0.2 / studies)
    assert detected / studies <= 0.9  # and not by far too large either
