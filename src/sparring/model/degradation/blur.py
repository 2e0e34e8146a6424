"""Gaussian blur."""

import math

import torch
from torch import Tensor
from torch.nn.functional import conv2d, pad

from sparring.core.errors import ConfigError
from sparring.model.degradation.base import Degradation


class Blur(Degradation):
    """Every pixel becomes the mean of its neighbourhood under a Gaussian; the edge is continued.

    Args:
        sigma: standard deviation in pixels.
    """

    def __init__(self, *, factor: int, sigma: float) -> None:
        super().__init__(factor=factor)
        if not sigma > 0:
            raise ConfigError(f"model.degradation.sigma={sigma} is in pixels and must be above 0.")
        self.sigma = sigma

    def degrade(self, image: Tensor, seed: int, index: Tensor) -> Tensor:
        return gaussian_blur(image, self.sigma)


def gaussian_blur(image: Tensor, sigma: float) -> Tensor:
    """image (N, C, H, W), sigma in pixels -> the same shape."""
    reach = math.ceil(3 * sigma)
    line = torch.exp(-torch.arange(-reach, reach + 1, device=image.device).square() / (2 * sigma**2)).to(image)
    line, channels = line / line.sum(), image.shape[1]
    padded = pad(image, (reach, reach, reach, reach), mode="replicate")
    across = conv2d(padded, line.view(1, 1, 1, -1).expand(channels, -1, -1, -1), groups=channels)
    return conv2d(across, line.view(1, 1, -1, 1).expand(channels, -1, -1, -1), groups=channels)
