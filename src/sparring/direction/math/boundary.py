"""Linear boundaries between codes (Shen et al. 2020, "Interpreting the Latent Space of GANs", section 3). S numbers of a code."""

from dataclasses import dataclass

import torch
from torch import Tensor

from sparring.core.randomness import generator

TRAIN = 0.7  # share of the extremes that the boundary is fitted to


@dataclass(frozen=True)
class Boundary:
    """A direction and how well it separates.

    Args:
        normal: (S,) of norm 1, towards larger scores.
        held_out: accuracy on the extremes that were not fitted; rest: on all other codes, whose larger and smaller half
            the projection is to tell apart. Chance is 1/2.
    """

    normal: Tensor
    held_out: float
    rest: float


def separating(code: Tensor, score: Tensor, *, share: float, seed: int) -> Boundary:
    """The normal of a linear SVM between the codes with the largest and the smallest scores.

    Args:
        code: (n, S). score: (n,). share: of the codes that make up each extreme; at least 4 codes.
    """
    from sklearn.svm import SVC

    order = score.argsort(descending=True)
    size = max(4, round(share * len(order)))
    ends = torch.cat([order[:size], order[-size:]])
    side = torch.cat([torch.ones(size), -torch.ones(size)])
    mixed = torch.randperm(2 * size, generator=generator("boundary", seed))
    fitted, held = mixed.split([round(2 * TRAIN * size), 2 * size - round(2 * TRAIN * size)])
    if side[fitted].unique().numel() < 2:  # four codes can fall on one side
        fitted = mixed
    machine = SVC(kernel="linear").fit(code[ends[fitted]].double().numpy(), side[fitted].numpy())
    weight = torch.tensor(machine.coef_[0])
    predicted = torch.from_numpy(machine.decision_function(code[ends[held]].double().numpy())) > 0
    held_out = float((predicted == (side[held] > 0)).float().mean())
    middle = order[size:-size]
    normal = weight / weight.norm()
    along, known = code[middle].double() @ normal, score[middle]
    rest = float(((along > along.median()) == (known > known.median())).float().mean()) if len(middle) else held_out
    return Boundary(normal, held_out, rest)


def without(direction: Tensor, others: Tensor) -> Tensor:
    """(S,) the direction of norm 1 without its parts along others (D, S): the conditional manipulation of section 3.3."""
    if not len(others):
        return direction / direction.norm()
    along = torch.linalg.lstsq(others.T.double(), direction.double()[:, None]).solution
    left = direction.double() - (others.T.double() @ along).squeeze(1)
    return left / left.norm().clamp(min=1e-12)
