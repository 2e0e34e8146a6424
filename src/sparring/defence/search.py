"""The image of a generator nearest to a given one: gradient descent in the latent space from several starts."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from sparring.errors import DivergedError

DECAY, LAST = 0.1, 0.2  # the rate is multiplied by DECAY in the LAST share of the steps, as in Defense-GAN's code


class Found(NamedTuple):
    """The best of all starts for each of N images.

    latent (N, L); label (N,) that it was reached with; image (N, C, H, W), the generator's; error (N,): the mean squared
    difference of the pixels in [-1, 1].
    """

    latent: Tensor
    label: Tensor
    image: Tensor
    error: Tensor


def nearest(
    generator: nn.Module, image: Tensor, start: Tensor, label: Tensor, *, steps: int, lr: float, momentum: float
) -> Found:
    """argmin over z of the mean of (G(z, label) - image)^2, by `steps` steps with momentum from every start.

    image: (N, C, H, W) in [-1, 1]. start: (S, L) and label: (S,), the same for every image. The best is chosen by the error
    alone. One step is a forward and a backward pass of the generator on N * S rows. May be called under `no_grad` and
    `inference_mode`; the generator's weights have to be frozen.

    Raises:
        DivergedError: no start of some image has a finite error.
    """
    with torch.inference_mode(False):
        image, count = image.detach().clone(), len(image)
        latent = start.repeat(count, 1)
        labels, wanted = label.repeat(count), image.repeat_interleave(len(start), 0)
        velocity = torch.zeros_like(latent)
        for step in range(steps):
            rate = lr * (DECAY if step >= (1 - LAST) * steps else 1.0)
            velocity = momentum * velocity - rate * _slope(generator, latent, labels, wanted)
            latent = latent + velocity
        with torch.no_grad():
            drawn = generator(latent, labels)
        error = _error(drawn, wanted).view(count, -1)
        best = error.nan_to_num(torch.inf).argmin(1)
        rows = torch.arange(count, device=best.device) * len(start) + best
        found = Found(latent[rows], labels[rows], drawn[rows], error.flatten()[rows])
    if not bool(found.error.isfinite().all()):
        raise DivergedError(
            f"The search for the generator's nearest image diverged with defence.lr={lr}; give a smaller one."
        )
    return found


def _slope(generator: nn.Module, latent: Tensor, label: Tensor, wanted: Tensor) -> Tensor:
    """Gradient of each row's error, (N * S, L)."""
    with torch.enable_grad():
        latent = latent.detach().requires_grad_()
        (gradient,) = torch.autograd.grad(_error(generator(latent, label), wanted).sum(), latent)
    return gradient


def _error(drawn: Tensor, wanted: Tensor) -> Tensor:
    return (drawn - wanted).square().flatten(1).mean(1)
