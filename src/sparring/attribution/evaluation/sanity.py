"""Weights at random: a map that stays the same when the network forgets what it learned explains the image, not the network.

Model parameter randomisation test of Adebayo et al. 2018 ("Sanity Checks for Saliency Maps", section 3).
"""

import copy
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from sparring.core.randomness import generator


def layers_with_weights(network: nn.Module, image: Tensor) -> list[str]:
    """Names of the layers with weights, in the order in which a pass uses them; image: (N, C, H, W)."""
    owners = {}
    for name, module in network.named_modules():
        if any(True for _ in module.parameters(recurse=False)):
            owners[name] = name.partition(".parametrizations.")[
                0
            ]  # spectral and weight norm keep a layer's weights inside it
    order: list[str] = []
    hooks = [
        network.get_submodule(name).register_forward_pre_hook(lambda _m, _x, owner=owner: order.append(owner))
        for name, owner in owners.items()
    ]
    try:
        with torch.no_grad():
            network(image[:1])
    finally:
        for hook in hooks:
            hook.remove()
    return list(dict.fromkeys(order))


def randomised(network: nn.Module, layers: list[str], *, seed: int) -> nn.Module:
    """A copy whose weights in `layers` are shuffled, each tensor for itself: their distribution stays, what was learned goes.

    What a layer draws depends on (seed, its name) alone.
    """
    other = copy.deepcopy(network)
    for layer in layers:
        for name, weight in other.get_submodule(layer).named_parameters():
            order = torch.randperm(weight.numel(), generator=generator("sanity", seed, layer, name))
            weight.data = weight.data.reshape(-1)[order.to(weight.device)].view_as(weight)
    return other


def cascading(network: nn.Module, layers: list[str], *, seed: int) -> Iterator[tuple[str, nn.Module]]:
    """(layer, network whose weights are random from the last layer down to this one)."""
    for first in reversed(range(len(layers))):
        yield layers[first], randomised(network, layers[first:], seed=seed)


def independent(network: nn.Module, layers: list[str], *, seed: int) -> Iterator[tuple[str, nn.Module]]:
    """(layer, network whose weights are random in this layer alone), from the last to the first."""
    for layer in reversed(layers):
        yield layer, randomised(network, [layer], seed=seed)
