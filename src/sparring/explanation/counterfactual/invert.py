"""The latent of an image: gradient descent from several starts."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from sparring.core.errors import DivergedError

Draw = Callable[[Tensor, Tensor], Tensor]  # latent (M, L), label (M,) -> images (M, C, H, W)
LR = 0.1  # of Adam; falls to 0 as a cosine
PRIOR = 1e-4  # weight of the latents' mean square, which keeps them where the generator was trained


class Inversion(NamedTuple):
    """R latents for each of N images, best first.

    latent: (N, R, L). image: (N, R, C, H, W), the generator's. error: (N, R), root mean square difference of the pixels as a
    fraction of the pixel range.
    """

    latent: Tensor
    image: Tensor
    error: Tensor


def invert(draw: Draw, image: Tensor, label: Tensor, start: Tensor, *, steps: int) -> Inversion:
    """Minimise the mean of (G(z, label) - image)^2 over z, from every start, by Adam.

    Args:
        draw: of a generator with frozen weights.
        image: (N, C, H, W) in [-1, 1]. label: (N,) that each is drawn with.
        start: (R, L) latents, the same for every image.

    Raises:
        DivergedError: an error is not finite.
    """
    n, restarts = len(image), len(start)
    wanted, labels = image.repeat_interleave(restarts, 0), label.repeat_interleave(restarts)
    latent = start.repeat(n, 1).clone().requires_grad_()
    optimizer = torch.optim.Adam([latent], lr=LR, betas=(0.9, 0.99))
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    with torch.enable_grad():
        for _ in range(steps):
            loss = (draw(latent, labels) - wanted).square().flatten(1).mean(1) + PRIOR * latent.square().mean(1)
            (latent.grad,) = torch.autograd.grad(loss.sum(), latent)
            optimizer.step()
            schedule.step()
    latent = latent.detach()
    with torch.no_grad():
        drawn = draw(latent, labels).clamp(-1, 1)
    error = (drawn - wanted).square().flatten(1).mean(1).sqrt() / 2
    if not bool(error.isfinite().all()):
        raise DivergedError(
            "The search for an image's latent ended in NaN: the generator's weights are from a run that diverged."
        )
    order = error.unflatten(0, (n, restarts)).argsort(1)
    rows = torch.arange(n, device=image.device)[:, None]
    return Inversion(*(each.unflatten(0, (n, restarts))[rows, order] for each in (latent, drawn, error)))
