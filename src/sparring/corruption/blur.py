"""Blur and loss of detail. Images (N, C, H, W) float32 in [0, 1]; lengths are shares of the image's height."""

import math

import torch
from torch import Tensor
from torch.nn.functional import conv2d, pad

from sparring.core.randomness import uniform

FINE = 9  # points per pixel and direction when a kernel is drawn


def defocus_blur(image: Tensor, strength: float, *key: int | str, index: Tensor) -> Tensor:
    """Blur by a disk of radius `strength`."""
    radius = strength * image.shape[2]
    y, x = _fine_grid(math.ceil(radius))
    kernel = _kernel((y.square() + x.square() <= radius**2).float())
    return _blurred(image, kernel.expand(len(image), -1, -1))


def motion_blur(image: Tensor, strength: float, *key: int | str, index: Tensor) -> Tensor:
    """Blur along a line of length `strength`, half a pixel thick, in a random direction per image."""
    half_length = strength * image.shape[2] / 2
    y, x = _fine_grid(math.ceil(half_length + 0.5))
    angle = math.pi * uniform(image[:, 0, :1, 0], *key, index=index)[..., None]
    along, across = x * angle.cos() + y * angle.sin(), y * angle.cos() - x * angle.sin()
    return _blurred(image, _kernel(((along.abs() <= half_length) & (across.abs() <= 0.25)).float()))


def pixelate(image: Tensor, strength: float, *key: int | str, index: Tensor) -> Tensor:
    """Averages over a coarser grid with `strength` times as many pixels in each direction."""
    rows, columns = (_overlap(pixels, max(1, round(strength * pixels))).to(image) for pixels in image.shape[2:])
    coarse = (rows / rows.sum(1, keepdim=True)) @ image @ (columns / columns.sum(1, keepdim=True)).T
    return (rows / rows.sum(0)).T @ coarse @ (columns / columns.sum(0))


def _overlap(pixels: int, cells: int) -> Tensor:
    """(cells, pixels): how much of each pixel lies in each cell of a coarser grid over the same length."""
    low, edge = torch.arange(pixels)[None, :], torch.arange(cells + 1)[:, None] * pixels / cells
    return (torch.minimum(edge[1:], low + 1) - torch.maximum(edge[:-1], low)).clamp(min=0)


def _fine_grid(half: int) -> tuple[Tensor, Tensor]:
    """Coordinates (1, n, n) of the points of a (2 half + 1)-pixel square, FINE per pixel, in pixels from its middle."""
    at = (torch.arange((2 * half + 1) * FINE) + 0.5) / FINE - half - 0.5
    return at[None, :, None], at[None, None, :]


def _kernel(fine: Tensor) -> Tensor:
    """(N, n FINE, n FINE) inside or not -> (N, n, n) weights with sum 1: what a square pixel sees of square pixels nearby."""
    pixels = fine.shape[-1] // FINE
    at = (torch.arange(pixels * FINE) + 0.5) / FINE - 0.5
    overlap = (1 - (torch.arange(pixels)[:, None] - at).abs()).clamp(min=0)
    weights = overlap @ fine @ overlap.T
    return weights / weights.sum((1, 2), keepdim=True)


def _blurred(image: Tensor, kernel: Tensor) -> Tensor:
    """Each image with its kernel (N, n, n); the edge is repeated outwards."""
    count, channels = image.shape[:2]
    half = kernel.shape[-1] // 2
    padded = pad(image, (half,) * 4, mode="replicate")
    weight = kernel[:, None].repeat_interleave(channels, 0).to(image)
    flat = conv2d(padded.flatten(0, 1)[None], weight, groups=count * channels)
    return flat.view_as(image)
