"""Translation and cutout of images by whole pixels, with zeros (mid-grey) in the place of what is lost."""

import torch
from torch import Tensor


def translate(image: Tensor, pixels: Tensor) -> Tensor:
    """Images (N, C, H, W) moved down and right by whole pixels (N, 2); zeros beyond the edge."""
    for axis, length in enumerate(image.shape[2:]):
        source = torch.arange(length, device=image.device) - pixels[:, axis, None]  # (N, length)
        inside = (source >= 0) & (source < length)
        index = _along(source.clamp(0, length - 1), axis).expand_as(image)
        image = image.gather(2 + axis, index) * _along(inside, axis)
    return image


def cut_out(image: Tensor, uniform: Tensor, side: int) -> Tensor:
    """Images (N, C, H, W) with a square of `side` pixels set to zero, centred at uniform (N, 2) on [0, 1); it may be cut."""
    hole = torch.ones_like(image[:, :1], dtype=torch.bool)
    for axis, length in enumerate(image.shape[2:]):
        first = (uniform[:, axis, None] * (length + 1 - side % 2)).long() - side // 2
        position = torch.arange(length, device=image.device)
        hole = hole & _along((position >= first) & (position < first + side), axis)
    return image * ~hole


def _along(values: Tensor, axis: int) -> Tensor:
    """(N, length) as (N, 1, length, 1) or (N, 1, 1, length): one value per row or per column of an image."""
    return values[:, None, :, None] if axis == 0 else values[:, None, None, :]
