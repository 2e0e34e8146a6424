"""Modes of networks for the time of a block."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn


@contextmanager
def frozen(network: nn.Module) -> Iterator[None]:
    """Weights of `network` get no gradient inside; gradients still flow through it. Afterwards each is as it was."""
    flags = [(weight, weight.requires_grad) for weight in network.parameters()]
    network.requires_grad_(False)
    try:
        yield
    finally:
        for weight, flag in flags:
            weight.requires_grad_(flag)


@contextmanager
def frozen_eval(network: nn.Module) -> Iterator[None]:
    """As `frozen`, and in eval mode inside; the mode of every module is put back."""
    modes = [(module, module.training) for module in network.modules()]
    network.eval()
    try:
        with frozen(network):
            yield
    finally:
        for module, mode in modes:
            module.training = mode
