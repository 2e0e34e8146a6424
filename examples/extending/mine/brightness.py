"""An attack: the whole image lighter or darker by epsilon, whichever costs the classifier more. Looks at logits alone."""

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from sparring.attack.base import Attack
from sparring.attack.math.norm_ball import Ball


class Brightness(Attack):
    needs_gradient = False

    def perturb(self, model: nn.Module, allowed: Ball, label: Tensor, index: Tensor, seed: int) -> Tensor:
        candidates = [allowed.project(allowed.image + sign * allowed.radius) for sign in (-1, 1)]
        with torch.no_grad():
            loss = torch.stack([cross_entropy(model(image), label, reduction="none") for image in candidates])  # (2, N)
        lighter = loss.argmax(0).bool()
        return torch.where(lighter[:, None, None, None], candidates[1], candidates[0])
