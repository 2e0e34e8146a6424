"""Precision and recall (Kynkaanniemi et al. 2019), density and coverage (Naeem et al. 2020), in one pass."""

from dataclasses import dataclass

import torch
from torch import Tensor

from sparring.core.errors import ConfigError, DataError
from sparring.metric.check import check_features, check_pair
from sparring.metric.distances import CHUNK, neighbour_radius, settled, squared_blocks


@dataclass(frozen=True)
class PRDC:
    """precision, recall, coverage: shares in [0, 1]. density: >= 0, about 1 for equal distributions. k: neighbours."""

    precision: float
    recall: float
    density: float
    coverage: float
    k: int


def radius_of_balls(x: Tensor, *, k: int, chunk: int = CHUNK) -> Tensor:
    """(N,) float64 squared distance of each row of x (N, D) to its k-th neighbour. Raises DataError for N <= k, or NaN."""
    check_features(x, what="Features of the reference", at_least=k + 1)
    return neighbour_radius(x, k=k, chunk=chunk)


def prdc(fake: Tensor, real: Tensor, *, k: int = 5, chunk: int = CHUNK, real_radius: Tensor | None = None) -> PRDC:
    """Whether fakes fall into the k-nearest-neighbour balls of real images, and real images into those of fakes.

    A point on the sphere is outside, as in the authors' code. Compare only values of equal N, M and k. Memory: chunk x M.

    Args:
        fake: (N, D), N > k.
        real: (M, D), M > k.
        k: neighbours.
        chunk: rows of a block.
        real_radius: `radius_of_balls(real)`, where it is known.

    Raises:
        DataError: k or fewer rows on a side, NaN, or a reference whose images are all the same.
        ConfigError: k < 1 or different D.
    """
    if k < 1:
        raise ConfigError(f"k={k} neighbours make no ball: give 1 or more.")
    check_pair(fake, real, at_least=k + 1)
    if real_radius is None:
        real_radius = radius_of_balls(real, k=k, chunk=chunk)
    if not bool(real_radius.any()):
        raise DataError(
            f"Each of the {len(real)} reference images has {k} exact copies, so every ball is a point: give a reference of"
            " different images."
        )
    fake_radius = neighbour_radius(fake, k=k, chunk=chunk)
    inside = torch.zeros((), dtype=torch.float64, device=fake.device)
    precise = torch.zeros((), dtype=torch.float64, device=fake.device)
    closest = torch.full((len(real),), torch.inf, dtype=torch.float64, device=fake.device)
    recalled = torch.zeros(len(real), dtype=torch.bool, device=fake.device)
    for first, block in squared_blocks(fake, real, chunk=chunk):
        rows = fake[first : first + len(block)]
        radius = fake_radius[first : first + len(block), None]
        block = settled(settled(block, rows, real, real_radius), rows, real, radius)
        within = block < real_radius
        inside += within.sum()
        precise += within.any(dim=1).sum()
        closest = torch.minimum(closest, block.min(dim=0).values)
        recalled |= (block < radius).any(dim=0)
    return PRDC(
        precision=float(precise) / len(fake),
        recall=float(recalled.double().mean()),
        density=float(inside) / (k * len(fake)),
        coverage=float((closest < real_radius).double().mean()),
        k=k,
    )
