"""Integrated gradients (Sundararajan et al. 2017, "Axiomatic Attribution for Deep Networks", equation 1)."""

import torch
from torch import Tensor, nn

from sparring.attribution.base import Attribution, gradient
from sparring.core.settings import at_least_one


class IntegratedGradients(Attribution):
    """(x - b) times the mean gradient on the straight line from the baseline b to the image x, summed over channels.

    The sum over the pixels is f(x) - f(b), up to the error of the midpoint rule (`completeness`).

    Args:
        steps: points on the line, in the middles of as many equal pieces.
    """

    adds_up = True

    def __init__(self, *, steps: int) -> None:
        at_least_one(**{"attribution.steps": steps})
        self.steps = steps

    def attribute(
        self, network: nn.Module, image: Tensor, target: Tensor, baseline: Tensor, index: Tensor, seed: int
    ) -> Tensor:
        share = (torch.arange(self.steps, device=image.device) + 0.5) / self.steps
        path = baseline[:, None] + share[:, None, None, None] * (image - baseline)[:, None]  # (N, steps, C, H, W)
        slope = gradient(network, path.flatten(0, 1), target.repeat_interleave(self.steps))
        return ((image - baseline) * slope.unflatten(0, path.shape[:2]).mean(1)).sum(1)
