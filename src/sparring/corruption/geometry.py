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
    """A grey square of side `strength` somewhere inside the image; a pixel that it covers in part is mixed by that part."""
    corner = uniform(image.new_empty(len(image), 2), *key, index=index)
    covered = []
    for axis in (0, 1):
        pixels = image.shape[2 + axis]
        side = max(1.0, strength * pixels)
        start = corner[:, axis, None] * (pixels - side)
        pixel = torch.arange(pixels, device=image.device)
        end = (pixel + 1).minimum(start + side)
        covered.append((end - pixel.maximum(start)).clamp_(min=0))
    share = covered[0][:, None, :, None] * covered[1][:, None, None, :]
    return image.lerp(image.new_tensor(0.5), share)


def _sampled(image: Tensor, place: Tensor) -> Tensor:
    return grid_sample(image, place, mode="bilinear", padding_mode="border", align_corners=False)
