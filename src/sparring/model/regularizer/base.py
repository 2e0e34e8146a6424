"""What the discriminator's step expects of a penalty, and the gradient norm that several share."""

from typing import Literal, Protocol

import torch
from torch import Tensor

Where = Literal["real", "fake", "between"]


class Regularizer(Protocol):
    """A penalty on the discriminator at some images.

    where: at real images, at generated images, or at random points on the lines between them.
    interval: taken every so many D steps, and then weighted by the interval so that its mean strength stays
        (lazy regularization, Karras et al. 2020, appendix B).
    """

    where: Where
    interval: int

    def __call__(self, images: Tensor, logits: Tensor) -> Tensor:
        """Penalty per image, (N,), from images (N, C, H, W) that require grad and their logits (N,)."""
        ...


def check_interval(interval: int) -> int:
    if interval < 1:
        raise ValueError(f"a regularizer's interval counts D steps and must be at least 1, got {interval}")
    return interval


def squared_gradient_norm(images: Tensor, logits: Tensor) -> Tensor:
    """||d logit_i / d image_i||^2 per image, (N,), differentiable with respect to the network's weights."""
    (gradient,) = torch.autograd.grad(logits.sum(), images, create_graph=True)
    return gradient.square().flatten(1).sum(1)
