"""From paired values to one of four verdicts."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from sparring.study.stats import statistics
from sparring.study.stats.statistics import Interval

MIN_REPLICATES = 6  # below it no sign-flip p can reach 0.05 (2 / 2^5 = 0.063)
ALPHA = 0.05


class Verdict(StrEnum):
    """What a comparison of an arm with its baseline shows.

    The rule, in this order, for the difference arm - baseline (where larger values are better):

    1. fewer than MIN_REPLICATES replicates: UNDERPOWERED, no p-values;
    2. the 95 % t interval lies above zero: HELPS; below zero: HURTS. A comparison other than the primary one must also have
       a t-test p below 0.05 after Holm's (1979) correction over all of these;
    3. the minimum detectable effect (80 % power; of a comparison other than the primary one at Holm's first and strictest
       level) is larger than the smallest effect of interest: UNDERPOWERED;
    4. otherwise: NO EVIDENCE.

    If the arms do not differ, their differences are symmetric, and the t test rejects in at most about 5 % of studies:
    that is the rate of false HELPS and HURTS of the primary comparison, and of all others together.
    """

    HELPS = "HELPS"
    HURTS = "HURTS"
    NO_EVIDENCE = "NO EVIDENCE"
    UNDERPOWERED = "UNDERPOWERED"


@dataclass(frozen=True)
class Comparison:
    """An arm against its baseline over paired replicates, in the unit of the values (percentage points, say).

    Args:
        arm: name of the arm.
        baseline: name of the arm that it is compared with.
        measure: what the values are ("test accuracy").
        where: the setting in which they are compared ("50 labels"); empty where there is only one.
        primary: whether the study's verdict is about this comparison.
        values: of the arm, per replicate; NaN for a replicate that failed.
        baseline_values: of the baseline, in the same order.
        n: replicates in which both finished.
        delta: mean difference, arm minus baseline.
        delta_std: standard deviation of the differences.
        t_interval: Student's 95 % interval of the mean difference.
        bca_interval: BCa bootstrap 95 % interval of the mean difference.
        p: of the exact sign-flip test; NaN below MIN_REPLICATES, like the other p-values.
        p_t: of the t test, before correction.
        p_holm: of the t test, after Holm's correction; NaN for the primary comparison.
        wins: replicates in which the arm is ahead.
        detectable: minimum detectable effect at 80 % power, after the correction if there is one.
        smallest_effect: smallest effect of interest.
        verdict: by the rule of `Verdict`.
        note: what qualifies the verdict, in words.
    """

    arm: str
    baseline: str
    measure: str
    where: str
    primary: bool
    values: tuple[float, ...]
    baseline_values: tuple[float, ...]
    n: int
    delta: float
    delta_std: float
    t_interval: Interval
    bca_interval: Interval
    p: float
    p_t: float
    p_holm: float
    wins: int
    detectable: float
    smallest_effect: float
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
        return {
            **vars(self),
            "t_interval": [self.t_interval.low, self.t_interval.high],
            "bca_interval": [self.bca_interval.low, self.bca_interval.high],
            "verdict": self.verdict.value,
            "mean": self.mean,
            "std": self.std,
        }


def compare(
    values: Sequence[float], baseline_values: Sequence[float], *, arm: str, baseline: str, smallest_effect: float,
    measure: str = "test accuracy", where: str = "", primary: bool = False,
) -> Comparison:  # fmt: skip
    """One comparison as if it were the only one; `holm_corrected` corrects several together.

    Args:
        values: of the arm, one per replicate, NaN where it failed; larger is better.
        baseline_values: of the baseline, in the same order.
        arm: name of the arm.
        baseline: name of the baseline.
        smallest_effect: smallest effect of interest, in the unit of the values.
        measure: what the values are, in words.
        where: the setting in words; empty where there is only one.
        primary: whether the study's verdict is about this comparison.
    """
    delta = statistics.paired_delta(values, baseline_values)
    n, std = len(delta), statistics.std(delta)
    enough = n >= MIN_REPLICATES
    comparison = Comparison(
        arm=arm, baseline=baseline, measure=measure, where=where, primary=primary,
        values=tuple(map(float, values)), baseline_values=tuple(map(float, baseline_values)),
        n=n, delta=statistics.mean(delta), delta_std=std,
        t_interval=statistics.t_interval(delta), bca_interval=statistics.bca_interval(delta),
        p=statistics.sign_flip_p(delta) if enough else math.nan,
        p_t=statistics.t_test_p(delta) if enough else math.nan,
        p_holm=math.nan, wins=statistics.wins(delta), detectable=statistics.detectable_effect(std, n),
        smallest_effect=smallest_effect, verdict=Verdict.UNDERPOWERED, note="",
    )  # fmt: skip
    return _with_verdict(comparison)


def holm_corrected(comparisons: Sequence[Comparison]) -> list[Comparison]:
    """The same comparisons with Holm's (1979) correction over all that are not primary, and their verdicts under it.

    With m of them, a difference is detectable if it is detected at the level alpha / m, which all of Holm's steps grant.
    """
    others = [i for i, each in enumerate(comparisons) if not each.primary]
    adjusted = dict(zip(others, statistics.holm([comparisons[i].p_t for i in others]), strict=True))
    tested = sum(not math.isnan(comparisons[i].p_t) for i in others)
    level = 1 - ALPHA / max(1, tested)
    result = list(comparisons)
    for i, p_holm in adjusted.items():
        detectable = statistics.detectable_effect(result[i].delta_std, result[i].n, level)
        result[i] = _with_verdict(replace(result[i], p_holm=p_holm, detectable=detectable))
    return result


def _with_verdict(comparison: Comparison) -> Comparison:
    """The comparison with verdict and note by the rule of `Verdict`."""
    n = comparison.n
    if n < MIN_REPLICATES:
        note = f"not enough replicates ({n}, at least {MIN_REPLICATES} are needed for a p-value)"
        return replace(comparison, verdict=Verdict.UNDERPOWERED, note=note)
    excludes_zero = 0.0 not in comparison.t_interval
    if excludes_zero and not comparison.p_holm > ALPHA:
        note = f"the exact sign-flip test, which assumes less, does not confirm it (p = {comparison.p:.3f})"
        verdict = Verdict.HELPS if comparison.delta > 0 else Verdict.HURTS
        return replace(comparison, verdict=verdict, note=note if comparison.p > ALPHA else "")
    note = "the interval excludes zero, but not after correction for the number of comparisons" if excludes_zero else ""
    weak = comparison.detectable > comparison.smallest_effect
    return replace(comparison, verdict=Verdict.UNDERPOWERED if weak else Verdict.NO_EVIDENCE, note=note)
