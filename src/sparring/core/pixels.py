"""From uint8 at rest to float in flight, on the device of the batch: no image is touched one by one."""

import torch
from torch import Tensor


def normalise(image: Tensor) -> Tensor:
    """uint8 (N, C, H, W) to float32 in [-1, 1]: 0 becomes -1, 255 becomes 1."""
    return image.to(torch.float32).mul_(2 / 255).sub_(1)


def crop_and_flip(image: Tensor, corner: Tensor, mirror: Tensor, padding: int) -> Tensor:
    """Cut a window of the original size out of each reflect-padded image, then mirror it left-right where asked.

    image (N, C, H, W); corner (N, 2) int64, top and left in 0..2 * padding; mirror (N,) bool. Padding, window and mirror
    are one index, so every pixel is moved once.
    """
    n, channels, height, width = image.shape
    rows = _window(corner[:, 0], height, padding)
    columns = _window(corner[:, 1], width, padding)
    columns = torch.where(mirror[:, None], columns.flip(1), columns)
    source = (rows[:, :, None] * width + columns[:, None, :]).view(n, 1, height * width)
    return image.flatten(2).gather(2, source.expand(-1, channels, -1)).view_as(image)


def _window(start: Tensor, size: int, padding: int) -> Tensor:
    """(N, size) positions start - padding ..., mirrored back into 0..size-1 without repeating the edge."""
    position = (start[:, None] + torch.arange(-padding, size - padding, device=start.device)).abs()
    return torch.where(position < size, position, 2 * (size - 1) - position)


def to_uint8(x: Tensor) -> Tensor:
    """Floats in [-1, 1] to uint8 of the same shape: round half to even, then clamp.

    The only such conversion: truncating instead moves about 9 % of Fashion-MNIST's pixels by one.
    Values outside [-1, 1] are clamped; NaN is the caller's to refuse.
    """
    return x.float().add(1.0).mul(127.5).round_().clamp_(0, 255).to(torch.uint8)
