"""ADA's colour transformations as matrices of colours (Karras et al. 2020, appendix B, table 3 and figure 5)."""

from math import pi

import torch
from torch import Tensor

from sparring.model.step.draws import Draws


def recolour(image: Tensor, p: Tensor, draws: Draws) -> Tensor:
    """Brightness, contrast, luma flip, hue rotation and saturation, each with probability p.

    The last three turn colours around the axis of greys and are taken for images with three channels; others get
    brightness and contrast.
    """
    chosen, drawn = draws.uniform("colour?", 5) < p, draws.uniform("colour", 2)
    normal = draws.normal("colour normal", 3)
    zero = torch.zeros_like(normal[:, 0])
    brightness = torch.where(chosen[:, 0], 0.2 * normal[:, 0], zero)
    contrast = torch.where(chosen[:, 1], 0.5 * normal[:, 1], zero).exp2()
    image = (image + brightness[:, None, None, None]) * contrast[:, None, None, None]
    if image.shape[1] != 3:
        return image
    flip = torch.where(chosen[:, 2] & (drawn[:, 0] < 0.5), torch.ones_like(zero), zero)
    angle = torch.where(chosen[:, 3], (drawn[:, 1] * 2 - 1) * pi, zero)
    saturation = torch.where(chosen[:, 4], normal[:, 2], zero).exp2()
    matrix = saturate(saturation) @ turn_hue(angle) @ flip_luma(flip)
    return torch.einsum("nij,njhw->nihw", matrix, image)


def _grey(like: Tensor) -> Tensor:
    """(3, 3) projection on the axis of greys."""
    return torch.full((3, 3), 1 / 3, dtype=like.dtype, device=like.device)


def _identity(like: Tensor) -> Tensor:
    return torch.eye(3, dtype=like.dtype, device=like.device)


def flip_luma(flip: Tensor) -> Tensor:
    """(N,) of 0 or 1 -> (N, 3, 3): 1 mirrors colours at the plane of no luma (a Householder reflection)."""
    return _identity(flip) - 2 * flip[:, None, None] * _grey(flip)


def turn_hue(angle: Tensor) -> Tensor:
    """(N,) radians -> (N, 3, 3): rotation about the axis of greys (Rodrigues)."""
    root = 3**-0.5
    cross = torch.tensor([[0, -root, root], [root, 0, -root], [-root, root, 0]], dtype=angle.dtype, device=angle.device)
    cos, sin = angle.cos()[:, None, None], angle.sin()[:, None, None]
    return cos * _identity(angle) + sin * cross + (1 - cos) * _grey(angle)


def saturate(factor: Tensor) -> Tensor:
    """(N,) -> (N, 3, 3): scales the distance from the axis of greys."""
    return _grey(factor) + factor[:, None, None] * (_identity(factor) - _grey(factor))
