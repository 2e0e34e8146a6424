"""The smallest move of a code that changes a classifier's answer."""

from collections.abc import Callable

import torch
from torch import Tensor

Logits = Callable[[Tensor], Tensor]  # codes (N, L) -> (N, K)
OVERSHOOT = 1e-3  # margin in logits that a move aims at
DAMPING = 0.5  # share of each step towards the linearised solution after the first, which is exact for a linear model
BISECTIONS = 12


def smallest_move(logits: Logits, code: Tensor, target: Tensor, *, steps: int) -> Tensor:
    """(N, L) moves of small norm after which the target's logit is the largest, as far as one is found.

    Minimises |d| subject to margin(c + d) > 0 by linearising the margin where the search is (as DeepFool does, Moosavi-Dezfooli
    et al. 2016, but from the code itself, so that the norm stays minimal): with slope g the nearest point of the linearised
    boundary is d' = g (g . d - margin) / |g|^2. The best move found is then cut back to the boundary by bisection.

    For a linear margin the result is the closed form -margin g / |g|^2.

    Args:
        code: (N, L). target: (N,) classes.
        steps: linearisations.
    """
    move, best = torch.zeros_like(code), torch.zeros_like(code)
    shortest = torch.full((len(code),), torch.inf, device=code.device)
    for step in range(steps):
        margin, slope = _margin_and_slope(logits, code + move, target)
        along = (slope * move).sum(1) - margin + OVERSHOOT
        nearest = slope * (along / slope.square().sum(1).clamp(min=1e-12))[:, None]
        move = nearest if step == 0 else move + DAMPING * (nearest - move)
        valid = margin_of(logits, code + move, target) > 0
        better = valid & (move.norm(dim=1) < shortest)
        best, shortest = torch.where(better[:, None], move, best), torch.where(better, move.norm(dim=1), shortest)
    found = shortest.isfinite()
    best = torch.where(found[:, None], best, move)
    low, high = torch.zeros_like(shortest), torch.ones_like(shortest)
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        valid = margin_of(logits, code + middle[:, None] * best, target) > 0
        low, high = torch.where(valid, low, middle), torch.where(valid, middle, high)
    return torch.where(found[:, None], high[:, None] * best, best)


@torch.no_grad()
def margin_of(logits: Logits, code: Tensor, target: Tensor) -> Tensor:
    """(N,) the target's logit minus the largest other one."""
    return _margin(logits(code), target)


def _margin(values: Tensor, target: Tensor) -> Tensor:
    own = values.gather(1, target[:, None]).squeeze(1)
    return own - values.scatter(1, target[:, None], -torch.inf).amax(1)


def _margin_and_slope(logits: Logits, code: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    with torch.enable_grad():
        code = code.detach().requires_grad_()
        margin = _margin(logits(code), target)
        (slope,) = torch.autograd.grad(margin.sum(), code)
    return margin.detach(), slope
