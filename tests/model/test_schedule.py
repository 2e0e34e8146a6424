"""Learning-rate factors at the ends and in the middle."""

import pytest

from sparring.config.build import build
from sparring.core.errors import ConfigError
from sparring.model.schedule.constant import Constant
from sparring.model.schedule.cosine import Cosine
from sparring.model.schedule.linear import LinearSchedule
from sparring.model.schedule.one_cycle import OneCycle
from sparring.model.schedule.r3gan import R3GAN
from tests.conftest import compose
from tests.leaves import leaves


@pytest.mark.parametrize(
    ("schedule", "progress", "factor"),
    [
        (Constant(), 0.3, 1.0),
        (LinearSchedule(start=0.0, final=0.0), 0.0, 1.0),
        (LinearSchedule(start=0.0, final=0.0), 0.25, 0.75),
        (LinearSchedule(start=0.5, final=0.1), 0.5, 1.0),
        (LinearSchedule(start=0.5, final=0.1), 0.75, 0.55),
        (LinearSchedule(start=0.5, final=0.1), 2.0, 0.1),
        (Cosine(end=1.0, final=0.0), 0.5, 0.5),
        (Cosine(end=0.5, final=0.2), 0.25, 0.6),
        (Cosine(end=0.5, final=0.2), 0.9, 0.2),
    ],
)
def test_factor(schedule, progress, factor) -> None:
    assert schedule(progress) == pytest.approx(factor)


def test_r3gan_moves_everything_along_one_cosine() -> None:
    schedule = R3GAN(end=0.5, lr=0.25, penalty=0.1, beta2=(0.9, 0.99))
    # at 0, half way, at the end of the cosine, after it
    values = [
        (schedule(t), schedule.penalty(t), schedule.half_life(t), schedule.augmentation(t)) for t in (0, 0.25, 0.5, 0.9)
    ]
    assert values[0] == pytest.approx((1.0, 1.0, 0.0, 0.0))
    assert values[1] == pytest.approx((0.625, 0.55, 0.5, 0.5))
    assert values[2] == values[3] == pytest.approx((0.25, 0.1, 1.0, 1.0))
    group = {"betas": (0.0, 0.5)}
    for progress, beta2 in ((0.0, 0.9), (0.25, 0.945), (1.0, 0.99)):
        schedule.adjust(group, progress)
        assert group["betas"] == pytest.approx((0.0, beta2))


def test_other_schedules_leave_the_rest_alone() -> None:
    for schedule in (Constant(), LinearSchedule(start=0.0, final=0.0), Cosine(end=1.0, final=0.0)):
        group = {"betas": (0.5, 0.9)}
        schedule.adjust(group, 0.5)
        assert group == {"betas": (0.5, 0.9)}
        assert (schedule.penalty(0.5), schedule.half_life(0.5), schedule.augmentation(0.5)) == (1.0, 1.0, 1.0)


def test_one_cycle() -> None:
    factor = OneCycle(peak=0.2, initial=0.1, final=0.0)
    values = [factor(progress) for progress in (0.0, 0.1, 0.2, 0.6, 1.0)]
    assert values == pytest.approx([0.1, 0.55, 1.0, 0.5, 0.0])


@pytest.mark.parametrize("leaf", leaves("model/schedule"))
def test_every_leaf_gives_factors_over_the_whole_budget(leaf: str) -> None:
    schedule = build(compose(f"model/schedule={leaf}").model.schedule, section="model")
    for progress in (0.0, 0.01, 0.5, 1.0):
        assert 0 <= schedule(progress) <= 1
        assert all(0 <= each(progress) <= 1 for each in (schedule.penalty, schedule.half_life, schedule.augmentation))
    assert max(schedule(step / 100) for step in range(101)) == 1  # the optimizer's rate is used somewhere
    group = {"lr": 0.1, "betas": (0.5, 0.9)}
    schedule.adjust(group, 0.5)
    assert (group["lr"], group["betas"][0]) == (0.1, 0.5)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: Cosine(end=0.0, final=0.0), "end=0.0"),
        (lambda: LinearSchedule(start=1.5, final=0.0), "start=1.5"),
        (lambda: OneCycle(peak=-0.1, initial=0.1, final=0.0), "peak=-0.1"),
        (lambda: R3GAN(end=2.0, lr=0.25, penalty=0.1, beta2=(0.9, 0.99)), "end=2.0"),
    ],
)
def test_shares_of_the_budget_out_of_range_are_refused(make, reason: str) -> None:
    with pytest.raises(ConfigError, match=rf"model.schedule.{reason} is a share of the budget"):
        make()
