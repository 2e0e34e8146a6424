"""ADA's pixel blits and geometric transformations as 3 x 3 matrices (Karras et al. 2020, appendix B, table 3 and figure 5).

A matrix maps a position in the result to a position in the source, both in units where the image spans [-1, 1]. All take p as
a 0-d tensor: each transformation is applied to an image with that probability and is the identity otherwise.
"""

from math import pi

import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample

from sparring.model.step.draws import Draws


def blits(image: Tensor, p: Tensor, draws: Draws) -> Tensor:
    """(N, 3, 3): x-flip, rotation by a multiple of 90 degrees, translation by whole pixels up to an eighth of the side."""
    chosen, drawn = draws.uniform("blit?", 3) < p, draws.uniform("blit", 4)
    zero, one = torch.zeros_like(drawn[:, 0]), torch.ones_like(drawn[:, 0])
    flip = torch.where(chosen[:, 0] & (drawn[:, 0] < 0.5), -one, one)
    quarter = torch.where(chosen[:, 1], (drawn[:, 1] * 4).floor(), zero) * (pi / 2)
    height, width = image.shape[2:]
    down = ((drawn[:, 2] * 2 - 1) * (height / 8)).round() * (2 / height)
    right = ((drawn[:, 3] * 2 - 1) * (width / 8)).round() * (2 / width)
    move = translation(torch.where(chosen[:, 2], right, zero), torch.where(chosen[:, 2], down, zero))
    return scaling(flip, one) @ rotation(quarter) @ move


def geometry(image: Tensor, p: Tensor, draws: Draws) -> Tensor:
    """(N, 3, 3): isotropic scale, rotation, anisotropic scale, rotation, fractional translation.

    The two rotations are applied with probability 1 - sqrt(1 - p) each, so that at least one is with probability p.
    """
    drawn, normal = draws.uniform("geometric", 7), draws.normal("geometric normal", 4)
    chosen = drawn[:, :5] < torch.stack([p, 1 - (1 - p).sqrt(), p, 1 - (1 - p).sqrt(), p])
    zero = torch.zeros_like(normal[:, 0])
    scale = torch.where(chosen[:, 0], 0.2 * normal[:, 0], zero).exp2()
    before = torch.where(chosen[:, 1], (drawn[:, 5] * 2 - 1) * pi, zero)
    stretch = torch.where(chosen[:, 2], 0.2 * normal[:, 1], zero).exp2()
    after = torch.where(chosen[:, 3], (drawn[:, 6] * 2 - 1) * pi, zero)
    # In units of [-1, 1] the side is 2 long: a standard deviation of an eighth of the side is a quarter.
    right, down = (torch.where(chosen[:, 4], 0.25 * normal[:, k], zero) for k in (2, 3))
    first = scaling(scale, scale) @ rotation(before)
    return first @ scaling(stretch, 1 / stretch) @ rotation(after) @ translation(right, down)


def scaling(x: Tensor, y: Tensor) -> Tensor:
    """(N,), (N,) -> (N, 3, 3)."""
    return torch.diag_embed(torch.stack([x, y, torch.ones_like(x)], dim=1))


def rotation(angle: Tensor) -> Tensor:
    """(N,) radians -> (N, 3, 3)."""
    cos, sin, zero, one = angle.cos(), angle.sin(), torch.zeros_like(angle), torch.ones_like(angle)
    return torch.stack([cos, -sin, zero, sin, cos, zero, zero, zero, one], dim=1).view(-1, 3, 3)


def translation(x: Tensor, y: Tensor) -> Tensor:
    """(N,), (N,) -> (N, 3, 3)."""
    zero, one = torch.zeros_like(x), torch.ones_like(x)
    return torch.stack([one, zero, x, zero, one, y, zero, zero, one], dim=1).view(-1, 3, 3)


def resample(image: Tensor, matrix: Tensor) -> Tensor:
    """Images (N, C, H, W) under matrices (N, 3, 3): bilinear, reflected beyond the edge."""
    grid = affine_grid(matrix[:, :2].to(image.dtype), list(image.shape), align_corners=False)
    return grid_sample(image, grid, mode="bilinear", padding_mode="reflection", align_corners=False)
