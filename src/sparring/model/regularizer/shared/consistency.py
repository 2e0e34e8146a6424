"""The change of an image to which consistency regularizers make D invariant."""

import torch
from torch import Tensor, nn

from sparring.core.pixels import crop_and_flip
from sparring.model.step.draws import Draws
from sparring.model.step.views import DiscriminatorOutput


class Change:
    """A random mirror image and a random shift, padded by reflection (Zhang et al. 2020, section 3.1).

    Args:
        flip: whether half of the images are mirrored. shift: largest shift, as a share of the image's side.
    """

    def __init__(self, *, flip: bool, shift: float) -> None:
        self.flip, self.shift = flip, shift

    def __call__(self, image: Tensor, draws: Draws) -> Tensor:
        """(N, C, H, W) -> the same shape, differentiable."""
        padding = round(self.shift * image.shape[-1])
        corner = (draws.uniform("corner", 2) * (2 * padding + 1)).long()
        mirror = (draws.uniform("mirror") < 0.5) & self.flip
        return crop_and_flip(image, corner, mirror, padding)


def disagreement(discriminator: nn.Module, output: DiscriminatorOutput, change: Change, draws: Draws) -> Tensor:
    """(D(x) - D(change(x)))^2, (N,), of the images x of D's `output`."""
    image = change(output.image.detach(), draws)
    return (output.logits - discriminator(image, output.label)).square()


def nearby(latent: Tensor, sigma: float, draws: Draws) -> Tensor:
    """Latents (N, L) plus normal noise of standard deviation `sigma`."""
    return latent + sigma * draws.normal("nearby", latent.shape[1])


def squared_distance(one: Tensor, other: Tensor) -> Tensor:
    """Mean squared difference of the pixels of images (N, C, H, W), (N,)."""
    return torch.flatten(one - other, 1).square().mean(dim=1)
