"""The base of perturbation generators: an image in, a perturbation in units of epsilon out."""

from torch import Tensor, nn


class Perturber(nn.Module):
    """Subclasses define `raw`, which is unbounded; tanh bounds the perturbation (Xiao et al. 2018 do not say how).

    A perturbation must depend on its own image alone: no BatchNorm. The arguments `channels` and `image_size` are those of the
    images.

    Shapes: image (N, C, H, W) in [-1, 1] -> (N, C, H, W) in [-1, 1], times the attack's radius the change of the image.
    """

    def raw(self, image: Tensor) -> Tensor:
        """(N, C, H, W), before tanh."""
        raise TypeError(f"{type(self).__name__} must define raw(image)")

    def forward(self, image: Tensor) -> Tensor:
        return self.raw(image).tanh()
