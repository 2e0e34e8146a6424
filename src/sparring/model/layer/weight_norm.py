"""Weight normalisation (Salimans and Kingma 2016): w = g v / |v|, row by row, with an initial g that keeps the variance."""

from typing import TypeVar

import torch
from torch import nn
from torch.nn.utils.parametrizations import weight_norm

Layer = TypeVar("Layer", nn.Linear, nn.Conv2d)


@torch.no_grad()
def normalised(layer: Layer, gain: float) -> Layer:
    """`layer` with a normalised weight: random directions, every |w| = `gain`, bias 0.

    With inputs of mean square 1 the output has mean square gain^2; sqrt(2) compensates for a ReLU. (The paper measures a first
    batch instead.)
    """
    weight = torch.randn_like(layer.weight)
    layer.weight.copy_(gain * weight / weight.flatten(1).norm(dim=1).view(-1, *[1] * (weight.ndim - 1)))
    if layer.bias is not None:
        layer.bias.zero_()
    return weight_norm(layer)
