"""`study.search=random`: points drawn between the smallest and the largest value of each axis."""

import math
from collections.abc import Sequence

import torch

from sparring.core.randomness import generator
from sparring.study.cells.axis import Axis

DIGITS = 3  # significant, of a drawn value: it can be read and typed
Point = tuple[float, ...]


def random_points(axes: Sequence[Axis], count: int, seed: int) -> list[Point]:
    """`count` different points, uniform on each axis's own scale; fewer where there are not as many.

    Point number i is the same whatever `count` is.
    """
    found: dict[Point, None] = {}
    for i in range(20 * count):
        random = generator("search", seed, i)
        found.setdefault(tuple(placed(axis, float(torch.rand((), generator=random))) for axis in axes))
        if len(found) == count:
            break
    return list(found)


def placed(axis: Axis, share: float) -> float:
    """The value at a share in [0, 1) of an axis: of the logarithm of a range, or one of the values that are all there are."""
    low, high = axis.rates[0], axis.rates[-1]
    if axis.listed or low == high:
        return axis.rates[int(share * len(axis.rates))]
    return rounded(math.exp(math.log(low) + share * (math.log(high) - math.log(low))))


def rounded(value: float) -> float:
    """To DIGITS significant digits."""
    return float(f"{value:.{DIGITS}g}")
