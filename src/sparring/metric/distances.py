"""Squared Euclidean distances between rows, in float64 and in chunks: no N x M matrix is ever whole in memory."""

from collections.abc import Iterator

import torch
from torch import Tensor

CHUNK = 1024  # rows per block: 1024 x 10,000 float64 are 80 MB
PAIRS = 16384  # of rows whose difference is taken at once
ROUNDING = 1e-12  # of |x|^2 + |y|^2 - 2 x y, in parts of the largest distance


def squared_blocks(x: Tensor, y: Tensor, *, chunk: int = CHUNK) -> Iterator[tuple[int, Tensor]]:
    """Yield (first row, (<= chunk, M) float64 squared distances from those rows of x (N, D) to all of y (M, D)).

    Rows are centred first, so that |x|^2 + |y|^2 - 2 x y loses no digits to a common offset.
    """
    centre = y.double().mean(dim=0)
    columns = y.double() - centre
    norms = columns.square().sum(dim=1)
    for first in range(0, len(x), chunk):
        rows = x[first : first + chunk].double() - centre
        block = torch.addmm(rows.square().sum(dim=1, keepdim=True) + norms, rows, columns.T, alpha=-2)
        yield first, block.clamp_(min=0)


def nearest(x: Tensor, y: Tensor, *, k: int = 1, chunk: int = CHUNK) -> tuple[Tensor, Tensor]:
    """Distances (N, k) float64 and rows (N, k) int64 of the k nearest in y (M, D) of each x (N, D), nearest first.

    The distances are recomputed from the differences, so a copy has exactly 0.
    """
    indices = [block.topk(k, dim=1, largest=False).indices for _, block in squared_blocks(x, y, chunk=chunk)]
    index = torch.cat(indices)
    exact = torch.stack([(x.double() - y[column].double()).norm(dim=1) for column in index.T], dim=1)
    exact, order = exact.sort(dim=1, stable=True)
    return exact, index.gather(1, order)


def settled(block: Tensor, x: Tensor, y: Tensor, radius: Tensor) -> Tensor:
    """Squared distances, those within rounding of a radius recomputed from the differences, as the radii are.

    Whether a point lies on a sphere or inside is then decided exactly, for copies too.

    Args:
        block: (n, M) of x (n, D) to y (M, D), changed in place.
        radius: squared, (n, 1) or (M,).
    """
    rounding = ROUNDING * float(block.amax())
    row, column = ((block - radius).abs() <= rounding).nonzero(as_tuple=True)
    for some, others in zip(row.split(PAIRS), column.split(PAIRS), strict=True):
        block[some, others] = (x[some].double() - y[others].double()).square().sum(dim=1)
    return block


def neighbour_radius(x: Tensor, *, k: int, chunk: int = CHUNK) -> Tensor:
    """(N,) float64 squared distance of each row of x (N, D) to its k-th nearest other row, from the differences. N > k.

    A row with k copies has a radius of exactly 0.
    """
    radii = []
    for first, block in squared_blocks(x, x, chunk=chunk):
        block[torch.arange(len(block)), first + torch.arange(len(block))] = torch.inf  # a row is not its own neighbour
        near = block.topk(k, dim=1, largest=False).indices
        rows = x[first : first + len(block)].double()
        exact = torch.stack([(rows - x[column].double()).square().sum(dim=1) for column in near.T])
        radii.append(exact.amax(dim=0))
    return torch.cat(radii)
