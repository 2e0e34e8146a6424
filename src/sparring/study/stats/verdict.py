"""From paired values to one of four verdicts."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import numpy as np

from sparring.study.stats import statistics
from sparring.study.stats.levels import SINGLE, Levels
from sparring.study.stats.mean_test import MeanTest
from sparring.study.stats.replicates import replicates_to_decide
from sparring.study.stats.statistics import Interval

MIN_REPLICATES = 6  # below it no sign-flip p can reach 0.05 (2 / 2^5 = 0.063)


class Verdict(StrEnum):
    """What a comparison of an arm with its baseline shows.

    The rule, in this order, for the difference arm - baseline (larger values are better) and the smallest effect of interest X:

    1. fewer than MIN_REPLICATES replicates: OPEN, no p-values;
    2. the two-sided test of no difference (`MeanTest`) is significant: HELPS or HURTS;
    3. both one-sided tests against -X and X are significant (TOST, Schuirmann 1987): NO DIFFERENCE larger than X;
    4. otherwise: OPEN.

    Each test has a level of 5 %, corrected within the family of the comparison (`families`). So a wrong HELPS or HURTS in a
    family, and a wrong NO DIFFERENCE in it, occur in at most 5 % of studies each; docs/statistics.md has the simulation.
    """

    HELPS = "HELPS"
    HURTS = "HURTS"
    NO_DIFFERENCE = "NO DIFFERENCE"
    OPEN = "OPEN"


_SKEWNESS_BOUNDS = {6: 1.69, 8: 1.51, 10: 1.37, 12: 1.27, 16: 1.12, 20: 1.02, 24: 0.94, 40: 0.74}
DIFFERENT = (Verdict.HELPS, Verdict.HURTS)


@dataclass(frozen=True)
class Comparison:
    """An arm against its baseline over paired replicates, in the unit of the values (percentage points, say).

    Args:
        arm: name of the arm.
        baseline: name of the arm that it is compared with.
        measure: what the values are ("test accuracy").
        where: the setting in which they are compared ("50 labels"); empty where there is only one.
        primary: whether the study's verdict is about this comparison.
        must: of a positive control, the verdict without which the study could not have seen an effect; else None.
        values: of the arm, per replicate; NaN for a replicate that failed.
        baseline_values: of the baseline, in the same order.
        n: replicates in which both finished.
        delta: mean difference, arm minus baseline.
        delta_std: standard deviation of the differences.
        shared_variance: variance of `delta` that all replicates share (common test images, overlapping training images).
        skewness: of the differences.
        t_interval: of the mean difference, at the level of the test of no difference: 95 %, more where replicates are added.
        equivalence_interval: interval that lies within the smallest effect if the equivalence tests succeed: 90 %, or more.
        bca_interval: BCa bootstrap 95 % interval of the mean difference.
        p: of the exact sign-flip test; NaN below MIN_REPLICATES, like the other p-values.
        p_difference: two-sided, of no difference, before correction.
        p_equivalence: of a difference of at least `smallest_effect`, before correction.
        family: the comparisons that it is corrected with, in words.
        p_difference_corrected, p_equivalence_corrected: after correction within the family.
        wins: replicates in which the arm is ahead.
        needed: replicates that would probably decide it if the difference is as measured; NaN where it is decided.
        smallest_effect: smallest effect of interest.
        levels: of the tests.
        verdict: by the rule of `Verdict`.
        note: what qualifies the verdict, in words.
    """

    arm: str
    baseline: str
    measure: str
    where: str
    primary: bool
    must: Verdict | None
    values: tuple[float, ...]
    baseline_values: tuple[float, ...]
    n: int
    delta: float
    delta_std: float
    shared_variance: float
    skewness: float
    t_interval: Interval
    equivalence_interval: Interval
    bca_interval: Interval
    p: float
    p_difference: float
    p_equivalence: float
    family: str
    p_difference_corrected: float
    p_equivalence_corrected: float
    wins: int
    needed: float
    smallest_effect: float
    levels: Levels
    verdict: Verdict
    note: str

    @property
    def mean(self) -> float:
        """Mean of the arm over the replicates that finished."""
        return statistics.mean(self.values)

    @property
    def std(self) -> float:
        """Standard deviation of the arm over the replicates that finished."""
        return statistics.std(self.values)

    def record(self) -> dict[str, Any]:
        """Plain values for result.json."""
        intervals = {key: vars(self)[key] for key in ("t_interval", "equivalence_interval", "bca_interval")}
        return {
            **vars(self),
            **{key: [each.low, each.high] for key, each in intervals.items()},
            "needed": self.needed if math.isfinite(self.needed) else None,
            "levels": vars(self.levels),
            "must": self.must.value if self.must is not None else None,
            "verdict": self.verdict.value,
            "mean": self.mean,
            "std": self.std,
        }


def compare(
    values: Sequence[float], baseline_values: Sequence[float], *, arm: str, baseline: str, smallest_effect: float,
    measure: str = "test accuracy", where: str = "", primary: bool = False, must: Verdict | None = None,
    shared_variance: float = 0.0, levels: Levels = SINGLE,
) -> Comparison:  # fmt: skip
    """One comparison as if it were the only one; `families.judged` corrects several together.

    Args:
        values: of the arm, one per replicate, NaN where it failed; larger is better.
        baseline_values: of the baseline, in the same order.
        arm: name of the arm.
        baseline: name of the baseline.
        smallest_effect: smallest effect of interest, in the unit of the values.
        measure: what the values are, in words.
        where: the setting in words; empty where there is only one.
        primary: whether the study's verdict is about this comparison.
        must: of a positive control, what it must show.
        shared_variance: see `Comparison`.
        levels: of the tests, where replicates are added at planned looks.
    """
    delta = statistics.paired_delta(values, baseline_values)
    n = len(delta)
    enough = n >= MIN_REPLICATES
    test = MeanTest.of(delta, shared_variance=shared_variance) if n >= 3 else None
    p_difference = float(test.difference()) if test and enough else math.nan
    p_equivalence = float(test.equivalence(smallest_effect)) if test and enough else math.nan
    comparison = Comparison(
        arm=arm, baseline=baseline, measure=measure, where=where, primary=primary, must=must,
        values=tuple(map(float, values)), baseline_values=tuple(map(float, baseline_values)),
        n=n, delta=statistics.mean(delta), delta_std=statistics.std(delta), shared_variance=shared_variance,
        skewness=float(test.skewness) if test else math.nan,
        t_interval=_interval(test, delta, 1 - levels.difference),
        equivalence_interval=_interval(test, delta, 1 - 2 * levels.equivalence),
        bca_interval=statistics.bca_interval(delta), p=statistics.sign_flip_p(delta) if enough else math.nan,
        p_difference=p_difference, p_equivalence=p_equivalence, family="", p_difference_corrected=p_difference,
        p_equivalence_corrected=p_equivalence, wins=statistics.wins(delta), needed=math.nan,
        smallest_effect=smallest_effect, levels=levels, verdict=Verdict.OPEN, note="",
    )  # fmt: skip
    return with_verdict(comparison)


def _interval(test: MeanTest | None, delta: statistics.Array, level: float) -> Interval:
    """Student's, also of two values, which have no skewness yet."""
    return (
        statistics.t_interval(delta, level) if test is None else Interval(*(float(end) for end in test.interval(level)))
    )


def with_verdict(each: Comparison) -> Comparison:
    """The comparison with verdict, note and replicates needed, by the rule of `Verdict`."""
    if each.n < MIN_REPLICATES:
        note = f"not enough replicates ({each.n}, at least {MIN_REPLICATES} are needed for a p-value)"
        return replace(each, verdict=Verdict.OPEN, note=note)
    levels, note = each.levels, _skewness_note(each)
    equivalent = each.p_equivalence_corrected <= levels.equivalence
    if each.p_difference_corrected <= levels.difference:
        verdict = Verdict.HELPS if each.delta > 0 else Verdict.HURTS
        notes = [f"by less than the {each.smallest_effect:g} that would matter"] if equivalent else []
        if each.p > levels.difference and not note:
            note = _sign_flip_note(each)
        return replace(each, verdict=verdict, needed=math.nan, note="; ".join([*notes, *([note] if note else [])]))
    if equivalent:
        return replace(each, verdict=Verdict.NO_DIFFERENCE, needed=math.nan, note=note)
    return replace(each, verdict=Verdict.OPEN, needed=_needed(each), note=note or _open_note(each))


def _sign_flip_note(each: Comparison) -> str:
    """Where that test could not confirm any difference, its p-value says nothing about this one."""
    test, smallest = "the exact sign-flip test, which assumes less,", 2 / 2**each.n
    if smallest > each.levels.difference:
        return f"{test} has no p-value below {smallest:.3f} at {each.n} replicates and cannot confirm it (p = {each.p:.3f})"
    return f"{test} does not confirm it (p = {each.p:.3f})"


def _open_note(each: Comparison) -> str:
    if each.p_difference <= each.levels.difference:
        return "the interval excludes zero, but not after correction within its family"
    return "the differences are skewed, so that its interval is no test" if 0.0 not in each.t_interval else ""


def _skewness_note(each: Comparison) -> str:
    """Empty unless the differences are more skewed than 95 % of normal samples are."""
    if not abs(each.skewness) > skewness_bound(each.n):
        return ""
    return (
        f"its differences are skewed ({each.skewness:+.1f}): a mean that hangs on one or two replicates, for which no test of "
        "so few holds its level"
    )


def skewness_bound(n: int) -> float:
    """What the absolute skewness of n normal values exceeds in 5 % of samples (300,000 simulated samples each)."""
    return float(np.interp(n, list(_SKEWNESS_BOUNDS), list(_SKEWNESS_BOUNDS.values())))


def _needed(each: Comparison) -> float:
    """With levels as strict as the correction has made them."""
    levels = Levels(
        difference=_corrected(each.levels.difference, each.p_difference, each.p_difference_corrected),
        equivalence=_corrected(each.levels.equivalence, each.p_equivalence, each.p_equivalence_corrected),
    )
    needed = replicates_to_decide(
        each.delta, each.delta_std, each.smallest_effect, shared_variance=each.shared_variance, levels=levels
    )
    return max(needed, each.n + 1.0)


def _corrected(level: float, p: float, corrected: float) -> float:
    return level * p / corrected if 0 < p < corrected < 1 else level
