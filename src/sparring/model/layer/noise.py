"""Gaussian noise inside a network in training, from a generator seeded by the run."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class GaussianNoise(nn.Module):
    """Adds normal noise of standard deviation `std` in training mode, none in eval mode; any shape (N, ...).

    In training mode the forward pass must run under `noise_from`, which provides the random generator.
    """

    def __init__(self, std: float) -> None:
        super().__init__()
        self.std = std
        self.source: tuple[torch.Generator, int, int] | None = None

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.std == 0:
            return x
        if self.source is None:
            raise RuntimeError(
                "GaussianNoise in training mode needs `with noise_from(network, generator, ...)` around it."
            )
        draws, rank, world = self.source
        rows = len(x)
        noise = torch.randn((world * rows, *x.shape[1:]), generator=draws, device=x.device, dtype=x.dtype)
        return x + self.std * noise[rank * rows : (rank + 1) * rows]

    def extra_repr(self) -> str:
        return f"std={self.std}"


@contextmanager
def noise_from(network: nn.Module, draws: torch.Generator, rank: int = 0, world: int = 1) -> Iterator[None]:
    """All noise layers of `network` draw from one generator inside, for the whole batch of `world` equal shares.

    Each keeps the rows of share `rank`, so that results do not depend on the number of devices.
    """
    layers = [layer for layer in network.modules() if isinstance(layer, GaussianNoise)]
    for layer in layers:
        layer.source = (draws, rank, world)
    try:
        yield
    finally:
        for layer in layers:
            layer.source = None
