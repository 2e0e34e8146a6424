"""SeFa (Shen and Zhou 2021, "Closed-Form Factorization of Latent Semantics in GANs"): no data, no sampling."""

from typing import ClassVar

from sparring.direction.base import Direction, Directions
from sparring.direction.math.eigen import semantic_axes
from sparring.direction.shared.space import Space


class SeFa(Direction):
    """The axes along which the first layer's output changes most: eigenvectors of its weight, each output scaled to norm 1."""

    value: ClassVar = "eigenvalue share"

    def find(self, space: Space, count: int, *, seed: int) -> Directions:
        axes, values = semantic_axes(space.first_weight())
        count = min(count, len(axes))
        shares = (values / values.sum())[:count].tolist()
        return Directions(axes[:count], tuple(f"sefa {i + 1}" for i in range(count)), tuple(shares))
