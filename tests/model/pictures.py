"""Images to transform."""

import torch
from torch import Tensor

N = 24


def pictures(channels: int, count: int = N, size: int = 9) -> Tensor:
    """Whole 8-bit values in [-1, 1]."""
    values = torch.randint(0, 256, (count, channels, size, size), generator=torch.Generator().manual_seed(0))
    return values.float() / 127.5 - 1
