"""Class balance, mode count and the discriminator's overfit measures in closed form."""

import math

import pytest
import torch

from sparring.core.errors import ConfigError, DataError
from sparring.metric.balance import class_balance
from sparring.metric.overfit import order_probability, overfit
from tests.metric.clouds import cloud


def test_balance_in_closed_form() -> None:
    result = class_balance(torch.tensor([0, 0, 0, 2]), [0.25, 0.25, 0.5])
    assert (result.counts, result.modes) == ((3, 0, 1), 2)
    entropy = -(0.75 * math.log(0.75) + 0.25 * math.log(0.25))
    assert result.entropy == pytest.approx(entropy / math.log(3), rel=1e-12)
    assert result.total_variation == pytest.approx((0.5 + 0.25 + 0.25) / 2, rel=1e-12)


@pytest.mark.parametrize(
    ("label", "modes", "entropy", "variation"), [([0, 1, 2, 3], 4, 1, 0), ([1, 1, 1, 1], 1, 0, 0.75)]
)
def test_balance_bounds(label: list[int], modes: int, entropy: float, variation: float) -> None:
    result = class_balance(torch.tensor(label), [0.25] * 4)
    assert (result.modes, result.entropy, result.total_variation) == pytest.approx((modes, entropy, variation))


def test_balance_refuses() -> None:
    with pytest.raises(DataError, match="got none"):
        class_balance(torch.zeros(0, dtype=torch.int64), [0.5, 0.5])
    with pytest.raises(ConfigError, match="run from 0 to 5, the reference has 2 classes"):
        class_balance(torch.tensor([0, 5]), [0.5, 0.5])
    with pytest.raises(ConfigError, match="sum to 1"):
        class_balance(torch.tensor([0]), [0.5, 0.2])


def test_overfit_in_closed_form() -> None:
    result = overfit(torch.tensor([1.0, 3.0]), torch.tensor([-1.0, 1.0]), torch.tensor([-2.0, -2.0, -2.0, 1.0]))
    assert (result.train, result.held_out, result.fake, result.gap) == (1.0, 0.5, 0.75, 0.5)
    assert result.order == pytest.approx((1 + 0.5 + 1 + 1) / 4)  # 1 > -1, 1 = 1, 3 > -1, 3 > 1
    assert result.r_v == pytest.approx((2 - 0) / (2 + 1.25))


def test_order_equals_all_pairs_and_is_even_for_equal_distributions() -> None:
    a, b = cloud("a", 40, 1).flatten(), cloud("b", 30, 1).flatten()
    assert order_probability(a, b) == pytest.approx(float((a[:, None] > b).double().mean()))
    assert order_probability(a, a) == 0.5


def test_overfit_without_separation_has_no_r_v_and_refuses_nothing_to_look_at() -> None:
    assert overfit(torch.zeros(3), torch.zeros(3), torch.ones(3)).r_v is None
    with pytest.raises(DataError, match="no held-out images"):
        overfit(torch.ones(3), torch.zeros(0), torch.ones(3))
    with pytest.raises(DataError, match="Logits of the fakes hold NaN"):
        overfit(torch.ones(3), torch.ones(3), torch.full((2,), torch.nan))
