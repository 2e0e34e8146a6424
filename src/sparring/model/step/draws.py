"""Random draws for the images of a step, the same whatever the number of devices."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from sparring.core.randomness import generator

EVERY = slice(None)


@dataclass(frozen=True)
class Draws:
    """Random numbers for the images of one part of one step, a row each.

    Every device draws the numbers of the whole batch and takes its rows, so that results do not depend on the number of
    devices or parts. The same purpose always gives the same numbers.

    Args:
        seed, key: the run's seed, and the purpose of the numbers.
        batch_size: images of the whole batch, over all devices.
        rank, world: number of this device, and of all devices.
        device, dtype: of the results.
        rows: which of this device's rows of the batch.
    """

    seed: int
    key: tuple[str | int, ...]
    batch_size: int
    rank: int
    world: int
    device: torch.device
    dtype: torch.dtype
    rows: slice = field(default_factory=lambda: EVERY)

    def uniform(self, purpose: str, *shape: int) -> Tensor:
        """(N, *shape), uniform on [0, 1)."""
        return self._rows(purpose, shape, torch.rand)

    def normal(self, purpose: str, *shape: int) -> Tensor:
        """(N, *shape), standard normal."""
        return self._rows(purpose, shape, torch.randn)

    def index(self) -> Tensor:
        """(N,) int64 on the CPU: numbers of the images in the whole batch, for what draws an image at a time."""
        return taken(self.share(torch.arange(self.batch_size)), self.rows)

    def permutation(self, purpose: str) -> Tensor:
        """(batch_size,) int64: a random order of the whole batch, the same on all devices."""
        return torch.randperm(self.batch_size, generator=self._generator(purpose), device=self.device)

    def of(self, *more: str) -> "Draws":
        """Draws for a purpose within this one."""
        return replace(self, key=(*self.key, *more))

    def share(self, whole: Tensor) -> Tensor:
        """This device's rows of a tensor (batch_size, ...) of the whole batch."""
        if self.world == 1:
            return whole
        rows = len(whole) // self.world
        return whole[self.rank * rows : (self.rank + 1) * rows]

    def _generator(self, purpose: str) -> torch.Generator:
        return generator(self.seed, purpose, *self.key, device=self.device)

    def _rows(self, purpose: str, shape: tuple[int, ...], draw: Callable[..., Tensor]) -> Tensor:
        random = self._generator(purpose)
        whole = draw((self.batch_size, *shape), device=self.device, dtype=self.dtype, generator=random)
        return taken(self.share(whole), self.rows)


def taken(batch: Tensor, rows: slice) -> Tensor:
    """The rows of a tensor (N, ...); itself for `EVERY`, without an operator for the device."""
    return batch if rows is EVERY else batch[rows]
