"""Changes that move or hide pixels. Images (N, C, H, W) float32 in [0, 1]; lengths are shares of the image's side."""

import math

import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample, interpolate

from sparring.core.randomness import normal, uniform

CELLS = 4  # per side of the grid whose corners `elastic` moves


def rotation(image: Tensor, strength: float, *key: int | str, index: Tensor) -> Tensor:
    """By `strength` degrees, to the left or to the right."""
    side = torch.where(uniform(image[:, 0, 0, 0], *key, index=index) < 0.5, -1.0, 1.0)
    angle = side * math.radians(strength)
    turn = torch.stack([angle.cos(), -angle.sin(), angle.sin(), angle.cos()], 1).view(-1, 2, 2)
    return _sampled(image, affine_grid(torch.cat([turn, torch.zeros_like(turn[..., :1])], 2), list(image.shape), False))


def elastic(image: Tensor, strength: float, *key: int | str, index: Tensor) -> Tensor:
    """The corners of a coarse grid move by normal steps of standard deviation `strength`; pixels between follow."""
    move = normal(image.new_empty(len(image), 2, CELLS, CELLS), *key, index=index) * 2 * strength
    smooth = interpolate(move, size=image.shape[2:], mode="bicubic", align_corners=True)
    stay = affine_grid(torch.eye(2, 3).to(image).expand(len(image), 2, 3), list(image.shape), False)
    return _sampled(image, stay + smooth.permute(0, 2, 3, 1))


def occlusion(image: Tensor, strength: float, *key: int | str, index: Tensor) -> Tensor:
    """A grey square of side `strength` somewhere inside the image."""
    corner = uniform(image.new_empty(len(image), 2), *key, index=index)
    hidden = []
    for axis in (0, 1):
        pixels = image.shape[2 + axis]
        side = max(1, round(strength * pixels))
        start = (corner[:, axis] * (pixels - side + 1)).long().clamp_(max=pixels - side)
        at = torch.arange(pixels, device=image.device) - start[:, None]
        hidden.append((at >= 0) & (at < side))
    inside = hidden[0][:, None, :, None] & hidden[1][:, None, None, :]
    return torch.where(inside, 0.5, image)


def _sampled(image: Tensor, place: Tensor) -> Tensor:
    return grid_sample(image, place, mode="bilinear", padding_mode="border", align_corners=False)
