"""What an adversary does to the pixels with the same budget: to be told apart from a counterfactual."""

from collections.abc import Callable

import torch
from torch import Tensor

STEPS, STEP = 20, 0.25  # of projected gradient ascent; the step as a share of the radius


def adversarial(logits: Callable[[Tensor], Tensor], image: Tensor, target: Tensor, radius: Tensor) -> Tensor:
    """Images (N, C, H, W) in [-1, 1] within L2 distance `radius` (N,) whose target logit is as far ahead as PGD gets it.

    Args:
        logits: images (N, C, H, W) -> (N, K). target: (N,) classes.
    """
    each = radius[:, None, None, None]
    changed = image.clone()
    for _ in range(STEPS):
        with torch.enable_grad():
            changed = changed.detach().requires_grad_()
            values = logits(changed)
            own = values.gather(1, target[:, None]).squeeze(1)
            margin = own - values.scatter(1, target[:, None], -torch.inf).amax(1)
            (slope,) = torch.autograd.grad(margin.sum(), changed)
        change = changed.detach() + STEP * each * slope / _norm(slope).clamp(min=1e-12) - image
        change = change * (each / _norm(change).clamp(min=1e-12)).clamp(max=1)
        changed = (image + change).clamp(-1, 1)
    return changed.detach()


def _norm(image: Tensor) -> Tensor:
    return image.flatten(1).norm(dim=1)[:, None, None, None]
