"""Random directions: the control that found ones are held against."""

from typing import ClassVar

import torch

from sparring.core.randomness import generator
from sparring.direction.base import Direction, Directions
from sparring.direction.math.eigen import unit
from sparring.direction.shared.space import Space


class RandomDirections(Direction):
    """Orthonormal directions, uniform on the sphere."""

    value: ClassVar = "–"
    control: ClassVar = True

    def find(self, space: Space, count: int, *, seed: int) -> Directions:
        size = space.draw(1, seed=0, purpose="size").code.shape[1]
        drawn = torch.randn(size, min(count, size), generator=generator("random directions", seed), dtype=torch.float64)
        vectors = unit(torch.linalg.qr(drawn).Q.T)
        return Directions(vectors, tuple(f"random {i + 1}" for i in range(len(vectors))), (0.0,) * len(vectors))
