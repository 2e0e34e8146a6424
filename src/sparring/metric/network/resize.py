"""Resizing before a feature network. The filter is part of a metric's protocol: another one moves FID by whole points."""

import torch
import torch.nn.functional as F
from torch import Tensor


def tf1_bilinear(image: Tensor, size: int) -> Tensor:
    """(N, C, H, W) floats to (N, C, size, size) as TensorFlow 1's resize_bilinear does, which published FIDs went through.

    Output pixel i looks at the position i H / size (pixel corners, not centres), no antialiasing:
    x[floor] + (x[floor + 1] - x[floor]) * fraction, rows and columns alike, the last pixel repeated at the border.
    """
    for axis in (3, 2):
        low, high, fraction = _positions(image.shape[axis], size, image)
        first, second = image.index_select(axis, low), image.index_select(axis, high)
        image = first + (second - first) * (fraction if axis == 3 else fraction[:, None])
    return image


def _positions(length: int, size: int, like: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    # The scale is a float32 in TensorFlow's kernel whatever the type of the image.
    scale = torch.tensor(length / size, dtype=torch.float32, device=like.device)
    position = torch.arange(size, dtype=like.dtype, device=like.device) * scale
    low = position.long()
    return low, (low + 1).clamp_max(length - 1), position - low


def bilinear(image: Tensor, size: int) -> Tensor:
    """(N, C, H, W) floats to (N, C, size, size): pixel centres, antialiased, no overshoot."""
    return F.interpolate(image, (size, size), mode="bilinear", antialias=True, align_corners=False)


def bicubic(image: Tensor, size: int) -> Tensor:
    """The same with the bicubic filter (a = -0.5, as Pillow), cut to [0, 255], the range of the image."""
    return F.interpolate(image, (size, size), mode="bicubic", antialias=True, align_corners=False).clamp(0, 255)
