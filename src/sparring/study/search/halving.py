"""Successive halving (Jamieson and Talwalkar 2016): all settings are trained a little, the best of them on, fewer to the end."""

import math
from collections.abc import Sequence

from sparring.core.errors import ConfigError
from sparring.study.stats.rates import LOST, Objective, Setting
from sparring.study.stats.statistics import mean

SHARES = (0.25, 0.5, 1.0)  # of the budget, at the end of each rung


def check_keep(keep: float | None, *, points: int) -> None:
    """Raise ConfigError unless `keep` is a share that leaves fewer than all of the points."""
    if keep is None:
        return
    if not 0 < keep < 1:
        raise ConfigError(
            f"study.keep={keep} is the share of the settings that is trained on, above 0 and below 1, such as 0.4; null trains "
            "all of them to the end."
        )
    if kept(points, keep) == points:
        raise ConfigError(f"study.keep={keep} of {points} settings keeps all of them: give a smaller share, or null.")


def kept(settings: int, keep: float) -> int:
    """How many settings go on."""
    return max(1, math.ceil(keep * settings))


def survivors(settings: Sequence[Setting], keep: float, objective: Objective) -> list[tuple[float, ...]]:
    """The points that go on: those that lost the fewest seeds, and of these the best means; in the order given.

    That nothing was learned yet is no loss in the middle of the budget. A setting that lost all seeds does not go on.
    """

    def order(each: Setting) -> tuple[float, float]:
        held = [
            objective.scale(value)
            for outcome, value in zip(each.outcomes, each.final, strict=True)
            if outcome not in LOST and math.isfinite(value)
        ]
        return 1 - len(held) / len(each.outcomes), mean(held) if held else math.inf

    ranked = sorted((each for each in settings if order(each)[0] < 1), key=order)
    chosen = {each.rates for each in ranked[: kept(len(settings), keep)]}
    return [each.rates for each in settings if each.rates in chosen]


def at_rungs(steps: int) -> list[int]:
    """Iterations at the end of each rung, the last one `steps`."""
    return sorted({max(1, round(share * steps)) for share in SHARES})


def share_of_full(alive: Sequence[int], rungs: Sequence[int]) -> float:
    """Iterations trained over those of training all settings to the end.

    Args:
        alive: settings at each rung. rungs: iterations at the end of each.
    """
    lengths = [end - start for start, end in zip([0, *rungs], rungs, strict=False)]
    return sum(n * length for n, length in zip(alive, lengths, strict=False)) / (alive[0] * rungs[-1])
