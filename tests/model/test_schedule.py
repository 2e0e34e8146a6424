"""Learning-rate factors at the ends and in the middle."""

import pytest

from sparring.model.schedule.constant import Constant
from sparring.model.schedule.cosine import Cosine
from sparring.model.schedule.linear import Linear
from sparring.model.schedule.one_cycle import OneCycle


@pytest.mark.parametrize(
    ("schedule", "progress", "factor"),
    [
        (Constant(), 0.3, 1.0),
        (Linear(start=0.0, final=0.0), 0.0, 1.0),
        (Linear(start=0.0, final=0.0), 0.25, 0.75),
        (Linear(start=0.5, final=0.1), 0.5, 1.0),
        (Linear(start=0.5, final=0.1), 0.75, 0.55),
        (Linear(start=0.5, final=0.1), 2.0, 0.1),
        (Cosine(end=1.0, final=0.0), 0.5, 0.5),
        (Cosine(end=0.5, final=0.2), 0.25, 0.6),
        (Cosine(end=0.5, final=0.2), 0.9, 0.2),
    ],
)
def test_factor(schedule, progress, factor) -> None:
    assert schedule(progress) == pytest.approx(factor)


def test_one_cycle() -> None:
    factor = OneCycle(peak=0.2, initial=0.1, final=0.0)
    values = [factor(progress) for progress in (0.0, 0.1, 0.2, 0.6, 1.0)]
    assert values == pytest.approx([0.1, 0.55, 1.0, 0.5, 0.0])
