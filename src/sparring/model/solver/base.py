"""How a flow's equation dx/dt = v(x, t) is solved from noise (t = 0) to an image (t = 1)."""

from collections.abc import Callable, Iterator
from itertools import pairwise

import torch
from torch import Tensor

from sparring.core.errors import ConfigError

Field = Callable[[Tensor, Tensor], Tensor]  # x (N, ...), time () -> velocity (N, ...)


class Solver:
    """Base of solvers with steps of equal length.

    Args:
        steps: from 0 to 1.

    Raises:
        ConfigError: fewer than one step.
    """

    def __init__(self, *, steps: int) -> None:
        if steps < 1:
            raise ConfigError(f"model.solver.steps={steps} must be at least 1.")
        self.steps = steps

    def __call__(self, field: Field, start: Tensor) -> Tensor:
        """x(1) for x(0) = start, (N, ...)."""
        raise TypeError(f"{type(self).__name__} must define __call__(field, start)")

    def intervals(self, like: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """(beginning, end) of each step, 0-d."""
        times = torch.linspace(0, 1, self.steps + 1, device=like.device, dtype=like.dtype)
        yield from pairwise(times)
