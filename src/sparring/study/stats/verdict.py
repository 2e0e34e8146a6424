"""From paired values to a verdict in words."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import numpy as np

from sparring.study.stats import statistics
from sparring.study.stats.statistics import Interval

ENOUGH = 6  # replicates below which no sign-flip p can reach 0.05 (2 / 2^5 = 0.063)
ALPHA = 0.05


class Verdict(StrEnum):
    """What a comparison of an arm with its baseline shows.

    The rule, in this order, for the difference arm - baseline (where larger values are better):

    1. fewer than ENOUGH replicates: UNDERPOWERED, no p-values;
    2. the 95 % t interval lies above zero: HELPS; below zero: HURTS. A comparison other than the primary one must also have
       a t-test p below 0.05 after Holm's correction over all of these;
    3. the detectable effect (80 % power; of a comparison other than the primary one at Holm's first and strictest level) is
       larger than the smallest effect of interest: UNDERPOWERED;
    4. otherwise: NO EVIDENCE.

    If the arms do not differ, their differences are symmetric, and the t test rejects in at most about 5 % of studies:
    HELPS and HURTS together are wrong that often for the primary comparison, and as often for all others together.
    """

    HELPS = "HELPS"
    HURTS = "HURTS"
    NO_EVIDENCE = "NO EVIDENCE"
    UNDERPOWERED = "UNDERPOWERED"


@dataclass(frozen=True)
class Comparison:
    """An arm against its baseline over paired replicates, in the unit of the values (points of accuracy, say).

    measure: what the values are ("test accuracy").
    where: the setting in which they are compared ("50 labels"); empty when there is only one.
    values, baseline_values: per replicate; NaN for a replicate that failed.
    p: exact sign-flip; t_p and p_holm: of the t test, before and after correction. NaN below ENOUGH replicates.
    detectable: the difference that a study like this finds in at least 80 % of cases, after the correction if there is one.
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
    sd: float
    t: Interval
    bca: Interval
    p: float
    t_p: float
    p_holm: float
    wins: int
    detectable: float
    smallest_effect: float
    verdict: Verdict
    note: str

    @property
    def mean(self) -> float:
        """Of the arm, over the replicates that finished."""
        return _mean(self.values)

    @property
    def spread(self) -> float:
        """Standard deviation of the arm over the replicates that finished."""
        return _sd(self.values)

    def record(self) -> dict[str, Any]:
        """Plain values for result.json."""
        return {
            **{key: value for key, value in vars(self).items() if key not in ("t", "bca", "verdict")},
            "t_interval": [self.t.low, self.t.high], "bca_interval": [self.bca.low, self.bca.high],
            "verdict": self.verdict.value, "mean": self.mean, "spread": self.spread,
        }  # fmt: skip


def compare(
    values: Sequence[float], baseline_values: Sequence[float], *, arm: str, baseline: str, smallest_effect: float,
    measure: str = "test accuracy", where: str = "", primary: bool = False,
) -> Comparison:  # fmt: skip
    """One comparison as if it were the only one; `corrected` then judges several together.

    values, baseline_values: one per replicate, in the same order, NaN where it failed; larger is better.
    """
    delta = statistics.paired_delta(values, baseline_values)
    n, sd = len(delta), _sd(delta)
    enough = n >= ENOUGH
    comparison = Comparison(
        arm=arm, baseline=baseline, measure=measure, where=where, primary=primary,
        values=tuple(map(float, values)), baseline_values=tuple(map(float, baseline_values)),
        n=n, delta=_mean(delta), sd=sd, t=statistics.t_interval(delta), bca=statistics.bca_interval(delta),
        p=statistics.sign_flip_p(delta) if enough else math.nan,
        t_p=statistics.t_p(delta) if enough else math.nan,
        p_holm=math.nan, wins=statistics.wins(delta), detectable=statistics.detectable_effect(sd, n),
        smallest_effect=smallest_effect, verdict=Verdict.UNDERPOWERED, note="",
    )  # fmt: skip
    return _judged(comparison)


def corrected(comparisons: Sequence[Comparison]) -> list[Comparison]:
    """The same comparisons with Holm's correction over all that are not primary, judged again.

    With m of them, a difference is detectable if it is found at the level alpha / m, which all of Holm's steps grant.
    """
    others = [i for i, each in enumerate(comparisons) if not each.primary]
    adjusted = dict(zip(others, statistics.holm([comparisons[i].t_p for i in others]), strict=True))
    tested = sum(not math.isnan(comparisons[i].t_p) for i in others)
    level = 1 - ALPHA / max(1, tested)
    return [
        _judged(replace(it, p_holm=adjusted[i], detectable=statistics.detectable_effect(it.sd, it.n, level)))
        if i in adjusted
        else it
        for i, it in enumerate(comparisons)
    ]


def _judged(it: Comparison) -> Comparison:
    """`it` with verdict and note by the rule of `Verdict`."""
    if it.n < ENOUGH:
        reason = f"not enough replicates ({it.n}, at least {ENOUGH} are needed for a p-value)"
        return replace(it, verdict=Verdict.UNDERPOWERED, note=reason)
    clear = 0.0 not in it.t
    if clear and not it.p_holm > ALPHA:
        doubt = f"the exact sign-flip test, which assumes less, does not confirm it (p = {it.p:.3f})"
        verdict = Verdict.HELPS if it.delta > 0 else Verdict.HURTS
        return replace(it, verdict=verdict, note=doubt if it.p > ALPHA else "")
    note = "the interval excludes zero, but not after correction for the number of comparisons" if clear else ""
    weak = it.detectable > it.smallest_effect
    return replace(it, verdict=Verdict.UNDERPOWERED if weak else Verdict.NO_EVIDENCE, note=note)


def _mean(values: Sequence[float] | statistics.Array) -> float:
    known = np.asarray(values, float)
    known = known[~np.isnan(known)]
    return float(known.mean()) if len(known) else math.nan


def _sd(values: Sequence[float] | statistics.Array) -> float:
    known = np.asarray(values, float)
    known = known[~np.isnan(known)]
    return float(known.std(ddof=1)) if len(known) > 1 else math.nan
