"""Penalties against closed forms and finite differences, double backward included."""

import pytest
import torch
from torch import nn

from sparring.model.regularizer.r1 import R1
from sparring.model.regularizer.r2 import R2
from sparring.model.regularizer.wgan_gp import WGANGP

PENALTIES = [R1(gamma=0.7, interval=1), R2(gamma=0.7, interval=1), WGANGP(weight=3.0, interval=1)]


def value_on_norm(penalty, norm: torch.Tensor) -> torch.Tensor:
    """The penalty as the papers define it, given the gradient's norm."""
    return 3.0 * (norm - 1) ** 2 if isinstance(penalty, WGANGP) else 0.35 * norm**2


@pytest.mark.parametrize("penalty", PENALTIES, ids=lambda penalty: type(penalty).__name__)
def test_linear_discriminator_in_closed_form(penalty) -> None:
    weight = torch.tensor([0.6, -1.1, 0.4, 2.0], dtype=torch.float64, requires_grad=True)
    images = torch.randn(3, 1, 2, 2, dtype=torch.float64, requires_grad=True)
    values = penalty(images, images.flatten(1) @ weight)
    expected = value_on_norm(penalty, weight.norm())
    torch.testing.assert_close(values, expected.expand(3))
    ours, theirs = (torch.autograd.grad(value, weight, retain_graph=True)[0] for value in (values.mean(), expected))
    torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("penalty", PENALTIES, ids=lambda penalty: type(penalty).__name__)
def test_weight_gradient_by_finite_differences(penalty) -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(1, 3, 3), nn.Tanh(), nn.Flatten(), nn.Linear(12, 1)).double()
    images = torch.randn(5, 1, 4, 4, dtype=torch.float64)

    def total() -> torch.Tensor:
        at = images.clone().requires_grad_()
        return penalty(at, network(at).squeeze(1)).mean()

    total().backward()
    kernel = network[0].weight
    for index in [(0, 0, 0, 0), (1, 0, 2, 1), (2, 0, 1, 1)]:
        with torch.no_grad():
            kernel[index] += 1e-5
        above = total().item()
        with torch.no_grad():
            kernel[index] -= 2e-5
        below = total().item()
        with torch.no_grad():
            kernel[index] += 1e-5
        assert kernel.grad[index].item() == pytest.approx((above - below) / 2e-5, rel=1e-5, abs=1e-8)


def test_wgan_gp_has_a_finite_slope_where_the_gradient_is_zero() -> None:
    weight = torch.zeros(4, requires_grad=True)
    images = torch.randn(2, 1, 2, 2, requires_grad=True)
    WGANGP(weight=10.0, interval=1)(images, images.flatten(1) @ weight).mean().backward()
    assert weight.grad.isfinite().all()


@pytest.mark.parametrize("make", [lambda: R1(gamma=1.0, interval=0), lambda: WGANGP(weight=1.0, interval=-1)])
def test_interval_must_be_positive(make) -> None:
    with pytest.raises(ValueError, match="interval"):
        make()
