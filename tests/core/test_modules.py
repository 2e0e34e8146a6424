"""Modes of networks inside a block, and what they are afterwards."""

from typing import Any

import pytest
import torch
from torch import nn

from sparring.core.modules import frozen, frozen_eval


@pytest.mark.parametrize("block", [frozen, frozen_eval])
def test_frozen_weights_get_no_gradient_and_afterwards_what_they_had(block: Any) -> None:
    """Also where some were frozen before, as of a network that a user has trained before."""
    net = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1))
    net[0].requires_grad_(False)
    image = torch.ones(1, 2, requires_grad=True)
    with block(net):
        net(image).sum().backward()
        assert not any(weight.requires_grad for weight in net.parameters())
    assert image.grad is not None
    assert all(weight.grad is None for weight in net.parameters())
    assert [weight.requires_grad for weight in net.parameters()] == [False, False, True, True]


def test_modes_are_put_back_one_by_one_also_after_an_error() -> None:
    net = nn.Sequential(nn.BatchNorm1d(2), nn.Dropout())
    net[1].eval()

    def fails() -> None:
        with frozen_eval(net):
            assert not any(module.training for module in net.modules())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fails()
    assert [module.training for module in net.modules()] == [True, True, False]
