"""Weights that are functions of stored ones, computed once for several passes of a network, all layers together."""

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize


class SharedWeight(nn.Module):
    """Base of parametrizations (`torch.nn.utils.parametrize`): stored weight -> weight in use, of the same shape.

    Outside of `weights_once` it is computed at every use.
    """

    def __init__(self) -> None:
        super().__init__()
        self.shared: Tensor | None = None  # the weight in use, inside `weights_once`

    @classmethod
    @abstractmethod
    def together(cls, layers: Sequence["SharedWeight"], weights: Sequence[Tensor], *, update: bool) -> Sequence[Tensor]:
        """The weights in use of `layers` from their stored ones.

        Args:
            update: whether the layers' estimates, where they keep any, make a step first.
        """

    def forward(self, weight: Tensor) -> Tensor:
        return self.together([self], [weight], update=self.training)[0] if self.shared is None else self.shared

    def right_inverse(self, weight: Tensor) -> Tensor:
        """A weight that is assigned is stored as it is."""
        return weight


@contextmanager
def weights_once(network: nn.Module, *, graph: bool = True, update: bool = True) -> Iterator[None]:
    """All passes of `network` inside use weights that are computed here.

    Args:
        graph: whether gradients reach the stored weights, as far as they require them.
        update: as of `SharedWeight.together`, where the network is in training mode.
    """
    found = list(_layers(network))
    with torch.set_grad_enabled(graph and torch.is_grad_enabled()):
        for kind in dict.fromkeys(type(layer) for layer, _ in found):
            layers, weights = zip(*((layer, weight) for layer, weight in found if type(layer) is kind), strict=True)
            for layer, weight in zip(
                layers, kind.together(layers, weights, update=update and network.training), strict=True
            ):
                layer.shared = weight
    try:
        yield
    finally:
        for layer, _ in found:
            layer.shared = None


def _layers(network: nn.Module) -> Iterator[tuple[SharedWeight, Tensor]]:
    """Each with its stored weight; where another parametrization follows or precedes it, it is left out."""
    for module in network.modules():
        if isinstance(module, parametrize.ParametrizationList) and len(module) == 1:
            (layer,) = module
            if isinstance(layer, SharedWeight):
                yield layer, module.original
