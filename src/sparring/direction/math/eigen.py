"""Principal axes. Shape legend: n samples, S numbers of a code, F features."""

import torch
from torch import Tensor


def semantic_axes(weight: Tensor) -> tuple[Tensor, Tensor]:
    """Axes (S, S) as rows and their eigenvalues (S,), largest first, of a layer's weight (S, F).

    Shen and Zhou 2021 ("Closed-Form Factorization of Latent Semantics in GANs", equation 7): eigenvectors of A A^T, after
    every column of A, the weight of one output, is scaled to norm 1 as in the authors' code.
    """
    weight = weight.double()
    weight = weight / weight.norm(dim=0).clamp(min=1e-12)
    return _descending(weight @ weight.T)


def principal_components(features: Tensor, count: int) -> tuple[Tensor, Tensor, Tensor]:
    """(basis (count, F) with orthonormal rows, standard deviations (count,), shares of the variance (count,)), largest first.

    Args:
        features: (n, F). count: at most min(n - 1, F).
    """
    centred = features.double() - features.double().mean(0)
    n, width = centred.shape
    count = min(count, n - 1, width)
    small = width <= n  # whichever of both products is smaller has the same eigenvalues
    vectors, values = _descending(centred.T @ centred if small else centred @ centred.T)
    vectors, values = vectors[:count], values.clamp(min=0)
    if not small:
        vectors = vectors @ centred / values[:count, None].sqrt().clamp(min=1e-12)
    shares = values[:count] / values.sum().clamp(min=1e-30)
    return _signed(vectors), (values[:count] / (n - 1)).sqrt(), shares


def regressed(code: Tensor, coordinates: Tensor) -> Tensor:
    """(D, S) unit rows: what of a code (n, S) goes with each standardised coordinate (n, D), by least squares.

    How GANSpace takes components of a layer back to the latent (Härkönen et al. 2020, section 2.2).
    """
    standard = coordinates.double() / coordinates.double().std(0).clamp(min=1e-12)
    found = torch.linalg.lstsq(standard, code.double()).solution
    return unit(found)


def unit(rows: Tensor) -> Tensor:
    """(D, S) rows of norm 1."""
    return rows / rows.norm(dim=1, keepdim=True).clamp(min=1e-12)


def _descending(matrix: Tensor) -> tuple[Tensor, Tensor]:
    values, vectors = torch.linalg.eigh(matrix)
    return _signed(vectors.T.flip(0)), values.flip(0)


def _signed(rows: Tensor) -> Tensor:
    """The largest entry of each row is positive: an eigenvector's sign is arbitrary, and is not to depend on the machine."""
    largest = rows.gather(1, rows.abs().argmax(1, keepdim=True))
    return rows * torch.where(largest < 0, -1.0, 1.0)
