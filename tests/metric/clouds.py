"""Feature clouds that the metric tests share."""

import torch
from torch import Tensor

from sparring.core.randomness import generator


def cloud(name: str, count: int, dim: int, *, scale: float = 1.0, shift: float = 0.0) -> Tensor:
    """(count, dim) float32 with correlated columns, as features have."""
    random = generator("test cloud", name)
    mix = torch.randn(dim, dim, generator=generator("test mix", dim)) / dim**0.5
    return torch.randn(count, dim, generator=random) @ mix * scale + shift


def images(count: int, channels: int, size: int, name: str = "images") -> Tensor:
    """(count, channels, size, size) uint8 noise."""
    return torch.randint(
        0, 256, (count, channels, size, size), generator=generator("test", name, count), dtype=torch.uint8
    )
