"""The images of a generator nearest to a given one: gradient descent in the latent space from several starts."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from sparring.core.errors import DivergedError

DECAY, LAST = 0.1, 0.2  # the rate is multiplied by DECAY in the LAST share of the steps, as in Defense-GAN's code


class SearchResult(NamedTuple):
    """Where the descents ended for each of N images, from each of S starts; or for the best start, without the second axis.

    latent (N, S, L); label (N, S) that it was generated with; image (N, S, C, H, W), the generator's; error (N, S): the mean
    squared difference of the pixels in [-1, 1].
    """

    latent: Tensor
    label: Tensor
    image: Tensor
    error: Tensor

    def best(self) -> "SearchResult":
        """The start with the smallest error of each image."""
        rows = torch.arange(len(self.error), device=self.error.device)
        return SearchResult(*(each[rows, self.error.argmin(1)] for each in self))


def descend(
    generator: nn.Module, image: Tensor, start: Tensor, label: Tensor, *, steps: int, lr: float, momentum: float
) -> SearchResult:
    """Minimise the mean of (G(z, label) - image)^2 over z, by `steps` steps with momentum from every start.

    One step is a forward and a backward pass of the generator on N * S rows. May be called under `no_grad` and
    `inference_mode`. A descent that ends in NaN has an infinite error.

    Args:
        generator: (latent (M, L), label (M,)) -> images (M, C, H, W), with frozen weights.
        image: (N, C, H, W) in [-1, 1].
        start: (S, L) latents, label: (S,) their classes, the same for every image.
        steps, lr, momentum: of the descent; the last fifth of the steps has a tenth of the rate.

    Raises:
        DivergedError: all descents of some image ended in NaN.
    """
    with torch.inference_mode(False):
        shape = (len(image), len(start))
        labels, target = label.repeat(len(image)), image.detach().clone().repeat_interleave(len(start), 0)
        latent = start.repeat(len(image), 1)
        velocity = torch.zeros_like(latent)
        for step in range(steps):
            rate = lr * (DECAY if step >= (1 - LAST) * steps else 1.0)
            velocity = momentum * velocity - rate * _slope(generator, latent, labels, target)
            latent = latent + velocity
        with torch.no_grad():
            drawn = generator(latent, labels)
        error = _error(drawn, target).nan_to_num(torch.inf)
        result = SearchResult(*(each.unflatten(0, shape) for each in (latent, labels, drawn, error)))
    if not bool(result.error.isfinite().any(1).all()):
        raise DivergedError(
            f"The search for the generator's nearest image diverged with defence.lr={lr}; give a smaller one."
        )
    return result


def _slope(generator: nn.Module, latent: Tensor, label: Tensor, target: Tensor) -> Tensor:
    """Gradient of each row's error, (N * S, L)."""
    with torch.enable_grad():
        latent = latent.detach().requires_grad_()
        (gradient,) = torch.autograd.grad(_error(generator(latent, label), target).sum(), latent)
    return gradient


def _error(drawn: Tensor, target: Tensor) -> Tensor:
    return (drawn - target).square().flatten(1).mean(1)
