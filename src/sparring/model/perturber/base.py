"""What a perturbation generator is: an image in, a change of it in units of epsilon out."""

from torch import Tensor, nn


class Perturber(nn.Module):
    """Subclasses define `raw`, which has no bound; tanh keeps the change in it (Xiao et al. 2018 leave the bound open).

    Nothing in it may look at other images of the batch (no BatchNorm): an image's perturbation is its own.

    Shapes: image (N, C, H, W) in [-1, 1] -> (N, C, H, W) in [-1, 1], times the attack's radius the change of the image.
    """

    def raw(self, image: Tensor) -> Tensor:
        """(N, C, H, W), before tanh."""
        raise TypeError(f"{type(self).__name__} must define raw(image)")

    def forward(self, image: Tensor) -> Tensor:
        return self.raw(image).tanh()
