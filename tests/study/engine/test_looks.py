"""Planned looks: which they are, when a study ends, and what is refused."""

import pytest

from sparring.core.errors import ConfigError
from sparring.study.engine.looks import decided, look_sentence, looks_of
from sparring.study.stats.levels import levels
from sparring.study.stats.verdict import Comparison, Verdict, compare

BASE = [90.0, 91.0, 92.0, 93.0, 94.0, 95.0]


def primary(spread: float, look: int = 0) -> Comparison:
    values = [value + spread * (-1) ** i for i, value in enumerate(BASE)]
    return compare(
        values, BASE, arm="gan", baseline="aug", smallest_effect=1.0, primary=True, levels=levels((6, 10, 12), look)
    )


def test_a_fixed_number_of_replicates_has_one_look() -> None:
    assert looks_of(8, adaptive=False, budget=3) == (8,)
    assert looks_of(6, adaptive=True, budget=12) == (6, 10, 12)


@pytest.mark.parametrize("budget", [5, 41])
def test_a_budget_that_allows_no_look_is_refused(budget: int) -> None:
    with pytest.raises(
        ConfigError, match=rf"^budget={budget} must be from 6, the replicates of the first look, to 40: "
    ):
        looks_of(6, adaptive=True, budget=budget)


def test_a_study_goes_on_while_its_question_is_open() -> None:
    clear, noisy = primary(0.1), primary(3.0, look=2)
    assert (clear.verdict, noisy.verdict) == (Verdict.NO_DIFFERENCE, Verdict.OPEN)
    assert decided([clear])
    assert not decided([noisy])
    assert not decided([])
    assert "planned looks at 6, 10 and 12 replicates" in look_sentence((6, 10, 12), [clear])
    assert "at 6, the question was decided" in look_sentence((6, 10, 12), [clear])
    assert "at 12, the budget was spent" in look_sentence((6, 10, 12), [noisy])
