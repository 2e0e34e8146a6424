"""Noise. Images (N, C, H, W) float32 in [0, 1]; random draws of an image depend on (key, index)."""

import torch
from torch import Tensor

from sparring.core.randomness import generator, normal, uniform


def gaussian_noise(image: Tensor, strength: float, *key: int | str, index: Tensor) -> Tensor:
    """Normal noise of standard deviation `strength`."""
    return image + strength * normal(image, *key, index=index)


def shot_noise(image: Tensor, strength: float, *key: int | str, index: Tensor) -> Tensor:
    """Poisson counts of `strength` photons at white."""
    counts = [
        torch.poisson(one * strength, generator=generator(*key, i))
        for one, i in zip(image, index.tolist(), strict=True)
    ]
    return torch.stack(counts) / strength


def impulse_noise(image: Tensor, strength: float, *key: int | str, index: Tensor) -> Tensor:
    """A share `strength` of all values becomes 0 or 1."""
    number = uniform(image, *key, index=index)
    return torch.where(number < strength / 2, 0.0, torch.where(number > 1 - strength / 2, 1.0, image))
