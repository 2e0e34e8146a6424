"""What a step does to the networks that it looks at."""

import torch
from torch import nn

from sparring.model.step.views import frozen


def test_frozen_weights_get_no_gradient_and_afterwards_what_they_had() -> None:
    """Also where some were frozen before, as of a network that a user has trained before."""
    net = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1))
    net[0].requires_grad_(False)
    image = torch.ones(1, 2, requires_grad=True)
    with frozen(net):
        net(image).sum().backward()
        assert not any(weight.requires_grad for weight in net.parameters())
    assert image.grad is not None
    assert all(weight.grad is None for weight in net.parameters())
    assert [weight.requires_grad for weight in net.parameters()] == [False, False, True, True]
