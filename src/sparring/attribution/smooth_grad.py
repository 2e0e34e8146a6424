"""SmoothGrad (Smilkov et al. 2017, "SmoothGrad: removing noise by adding noise", section 3)."""

import torch
from torch import Tensor, nn

from sparring.attribution.base import Attribution, gradient
from sparring.core.errors import ConfigError
from sparring.core.randomness import normal
from sparring.core.settings import IN_FLIGHT, at_least_one


class SmoothGrad(Attribution):
    """The absolute value of the mean gradient at noisy copies of the image, summed over channels.

    Args:
        samples: noisy copies.
        noise: standard deviation as a fraction of the pixel range.

    Raises:
        ConfigError: a setting out of range.
    """

    signed = False

    def __init__(self, *, samples: int, noise: float) -> None:
        at_least_one(**{"attribution.samples": samples})
        if not 0 < noise <= 1:
            raise ConfigError(
                f"attribution.noise={noise} is no fraction of the pixel range: give a number above 0, at most 1."
            )
        self.samples, self.noise = samples, noise

    def attribute(
        self, network: nn.Module, image: Tensor, target: Tensor, baseline: Tensor, index: Tensor, seed: int
    ) -> Tensor:
        total = torch.zeros_like(image)
        for draw in range(self.samples):
            noise = normal(image, "smooth_grad", seed, draw, index=index)
            total += gradient(network, image + IN_FLIGHT * self.noise * noise, target)
        return (total / self.samples).abs().sum(1)
