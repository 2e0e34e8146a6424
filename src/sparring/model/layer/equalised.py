"""Equalised learning rate (Karras et al. 2018, "Progressive growing of GANs", section 4.1) of a whole network."""

from collections.abc import Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.utils import parametrize

from sparring.model.layer.shared_weight import SharedWeight


class Scale(SharedWeight):
    """weight -> factor * weight."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    @classmethod
    def together(cls, layers: Sequence[SharedWeight], weights: Sequence[Tensor], *, update: bool) -> Sequence[Tensor]:
        factors = [cast(Scale, layer).factor for layer in layers]
        scaled: Sequence[Tensor] = _Scaled.apply(factors, *weights)
        return scaled


class _Scaled(torch.autograd.Function):
    """One operator for all weights, in each direction."""

    @staticmethod
    def forward(ctx: Any, factors: list[float], *weights: Tensor) -> tuple[Tensor, ...]:
        ctx.factors = factors
        return tuple(torch._foreach_mul(list(weights), factors))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        return None, *torch._foreach_mul(list(gradients), ctx.factors)


def equalise(network: nn.Module, *, learning_rate: float = 1.0) -> None:
    """Store N(0, 1) weights and use them divided by the root of their fan-in; biases become zero.

    Adam's step does not depend on a gradient's scale, so every layer then learns at the same relative speed. Embeddings
    count as linear layers of their width. Layers that are equalised already are not changed.

    Args:
        learning_rate: relative to the optimizer's; stored weights are divided by it and used weights multiplied.
    """
    for module in list(network.modules()):
        if isinstance(module, nn.Conv2d | nn.Linear | nn.Embedding) and not parametrize.is_parametrized(module):
            fan_in = module.weight[0].numel()
            nn.init.normal_(module.weight, std=1 / learning_rate)
            parametrize.register_parametrization(module, "weight", Scale(learning_rate * fan_in**-0.5))
            if getattr(module, "bias", None) is not None:
                nn.init.zeros_(module.bias)  # type: ignore[arg-type]
                if learning_rate != 1:
                    parametrize.register_parametrization(module, "bias", Scale(learning_rate))
