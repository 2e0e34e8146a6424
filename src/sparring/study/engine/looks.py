"""Studies that add replicates at planned looks until their question is decided."""

from collections.abc import Sequence

from sparring.core.errors import ConfigError
from sparring.core.wording import listing
from sparring.study.stats.levels import LOOKS, planned_looks
from sparring.study.stats.statistics import MAX_REPLICATES
from sparring.study.stats.verdict import Comparison, Verdict


def looks_of(replicates: int, *, adaptive: bool, budget: int) -> tuple[int, ...]:
    """Replicates at each look: all of them at the only one, or with `adaptive` (study.replicates=auto) as planned.

    Raises:
        ConfigError: `budget` allows no look, or more than the exact test can count.
    """
    if not adaptive:
        return (replicates,)
    if not LOOKS[0] <= budget <= MAX_REPLICATES:
        raise ConfigError(
            f"budget={budget} must be from {LOOKS[0]}, the replicates of the first look, to {MAX_REPLICATES}: give more, or say"
            f" study.replicates={budget} for a study with a fixed number."
        )
    return planned_looks(budget)


def decided(comparisons: Sequence[Comparison]) -> bool:
    """Whether the primary comparison has a verdict other than OPEN."""
    primary = [each for each in comparisons if each.primary]
    return bool(primary) and all(each.verdict is not Verdict.OPEN for each in primary)


def look_sentence(looks: Sequence[int], comparisons: Sequence[Comparison]) -> str:
    """At which look the study ended and why."""
    levels = comparisons[0].levels
    at = looks[levels.look - 1]
    planned = f"planned looks at {listing([str(look) for look in looks])} replicates"
    end = "the question was decided" if decided(comparisons) else "the budget was spent"
    return (
        f"Replicates were added at {planned}, with the error spent over all of them; at {at}, {end}, and the intervals hold for "
        "all looks together."
    )
