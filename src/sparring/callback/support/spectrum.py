"""The largest singular value of a network's first layer, by power iteration."""

from collections.abc import Mapping
from functools import cache

import torch
from torch import Tensor, nn

from sparring.core.randomness import generator
from sparring.core.sharding import whole

STORED_AS = "parametrizations.weight.original"
ITERATIONS = 5  # from the same start at every call, so that a resumed run sees what it would have seen


def first_singular_values(networks: Mapping[str, nn.Module]) -> dict[str, float]:
    """Of those networks that have such a layer, read together: one synchronisation with the device. Every device must call it."""
    weights = {name: first_weight(network) for name, network in networks.items()}
    found = {name: largest_singular_value(whole(weight)) for name, weight in weights.items() if weight is not None}
    return dict(zip(found, torch.stack(list(found.values())).tolist(), strict=True)) if found else {}


def first_weight(network: nn.Module) -> Tensor | None:
    """The stored weight of the first linear or convolutional layer; None where there is none.

    Not the weight in use: computing that one moves the estimates of spectral normalisation. One that is stored in several
    parts, as by weight normalisation, is put together; that moves nothing.
    """
    for module in network.modules():
        if isinstance(module, nn.Linear | nn.modules.conv._ConvNd):
            stored = dict(module.named_parameters())
            if STORED_AS in stored:
                return stored[STORED_AS]
            return module.weight
    return None


@torch.no_grad()
def largest_singular_value(weight: Tensor) -> Tensor:
    """Of a weight as a matrix with a row per output, 0-d on its device: a lower bound, within a few percent.

    NaN where the weight is not finite.
    """
    matrix = weight.detach().flatten(1).float()
    unit = matrix / matrix.norm().clamp(min=1e-30)  # at most 1, so that its powers need no division
    turned, vector = unit.T, _start(matrix.shape[1]).to(matrix.device)
    for _ in range(ITERATIONS):
        vector = turned @ (unit @ vector)
    return (matrix @ vector).norm() / vector.norm().clamp(min=1e-30)


@cache
def _start(columns: int) -> Tensor:
    return torch.randn(columns, generator=generator("spectrum", columns))
