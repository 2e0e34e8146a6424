"""Resampling by two with StyleGAN2's low-pass filter [1, 3, 3, 1] (Karras et al. 2020, appendix B), by plain convolutions.

The filter removes most aliasing; maps are zero beyond their border. Shapes: (N, C, H, W) throughout.
"""

import torch
from torch import Tensor, nn


def smooth(maps: Tensor, *, padding: int, gain: float = 1.0, stride: int = 1) -> Tensor:
    """Filter every channel; a constant map is multiplied by `gain` inside. (H + 2 padding - 4) // stride + 1 rows."""
    channels = maps.shape[1]
    return nn.functional.conv2d(maps, _filter(maps, gain), stride=stride, padding=padding, groups=channels)


def halve(maps: Tensor) -> Tensor:
    """Filter, then keep every second pixel."""
    return smooth(maps, padding=1, stride=2)


def double(maps: Tensor) -> Tensor:
    """Zeros between the pixels, then filter with gain 4."""
    channels = maps.shape[1]
    return nn.functional.conv_transpose2d(maps, _filter(maps, 4.0), stride=2, padding=1, groups=channels)


def _filter(maps: Tensor, gain: float) -> Tensor:
    """(C, 1, 4, 4): one copy per channel, summing to `gain`."""
    line = torch.tensor([1.0, 3.0, 3.0, 1.0], dtype=maps.dtype, device=maps.device)
    return (gain / 64 * torch.outer(line, line)).expand(maps.shape[1], 1, 4, 4)
