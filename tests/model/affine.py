"""A linear discriminator's weights and images for it."""

import torch

WEIGHT = torch.tensor([0.6, -1.1, 0.4, 2.0], dtype=torch.float64)


def images(count: int, side: int, seed: int = 0) -> torch.Tensor:
    draws = torch.Generator().manual_seed(seed)
    return torch.randn(count, 1, side, side, dtype=torch.float64, generator=draws)
