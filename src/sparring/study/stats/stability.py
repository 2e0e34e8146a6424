"""The course of one training's quality: how far it fell behind its best, and when."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from sparring.study.stats.rates import WORSE, Outcome

NEAR = 1.1  # times the best: near it


@dataclass(frozen=True)
class Course:
    """One training of a generator, by a distance to real images at each measurement.

    Args:
        outcome: how it ended.
        final: the last distance. best: the smallest.
        near: images seen at the first measurement within NEAR times the best.
        above: images seen at the first measurement above WORSE times the best before it; None if there is none.
        All NaN where nothing finite was measured.
    """

    outcome: Outcome
    final: float
    best: float
    near: float
    above: float | None

    @property
    def ratio(self) -> float:
        """Final over best: 1 where it ended at its best."""
        return self.final / self.best if self.best > 0 else math.nan


def course(outcome: Outcome, images_seen: Sequence[float], distance: Sequence[float]) -> Course:
    """Of the measurements of one training.

    Args:
        images_seen, distance: at each measurement, in order; a distance that is not finite counts as above any bound.
    """
    finite = [value for value in distance if math.isfinite(value)]
    if not finite:
        return Course(outcome, math.nan, math.nan, math.nan, None)
    best = min(finite)
    near = next(x for x, value in zip(images_seen, distance, strict=True) if value <= NEAR * best)
    above, lowest = None, math.inf
    for x, value in zip(images_seen, distance, strict=True):
        if math.isfinite(lowest) and not value <= WORSE * lowest:
            above = x
            break
        if math.isfinite(value):
            lowest = min(lowest, value)
    return Course(outcome, distance[-1] if math.isfinite(distance[-1]) else math.inf, best, near, above)


def widest(trained: Sequence[bool]) -> tuple[int, int] | None:
    """First and last index of the longest run of settings at which all trainings held; None where there is none."""
    runs, start = [], None
    for i, held in enumerate([*trained, False]):
        if held and start is None:
            start = i
        elif not held and start is not None:
            runs.append((start, i - 1))
            start = None
    return max(runs, key=lambda run: run[1] - run[0], default=None)
