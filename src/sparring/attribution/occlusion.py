"""Occlusion (Zeiler and Fergus 2014, "Visualizing and Understanding Convolutional Networks", section 4.2)."""

import torch
from torch import Tensor, nn

from sparring.attribution.base import ROWS, Attribution, scores
from sparring.core.errors import ConfigError


class Occlusion(Attribution):
    """How far the logit falls when a square window shows the baseline; a pixel has the mean of the windows over it.

    Args:
        window, stride: side of the window and distance between windows, as shares of the image's side; at least a pixel.

    Raises:
        ConfigError: a share out of range, or windows that leave gaps.
    """

    def __init__(self, *, window: float, stride: float) -> None:
        if not 0 < stride <= window <= 1:
            raise ConfigError(
                f"attribution.window={window} and attribution.stride={stride} are shares of the image's side: give "
                "0 < stride <= window <= 1."
            )
        self.window, self.stride = window, stride

    def attribute(
        self, network: nn.Module, image: Tensor, target: Tensor, baseline: Tensor, index: Tensor, seed: int
    ) -> Tensor:
        n, _, height, width = image.shape
        rows, columns = (windows(side, self.window, self.stride) for side in (height, width))
        whole = scores(network, image, target)
        total, count = torch.zeros_like(image[:, 0]), torch.zeros_like(image[0, 0])
        places = [(top, left) for top in rows for left in columns]
        together = max(1, ROWS // n)  # windows of one pass
        for first in range(0, len(places), together):
            some = places[first : first + together]
            hidden = image.repeat(len(some), 1, 1, 1).unflatten(0, (len(some), n))
            for copy, (top, left) in zip(hidden, some, strict=True):
                copy[:, :, top, left] = baseline[:, :, top, left]
            fallen = whole - scores(network, hidden.flatten(0, 1), target.repeat(len(some))).unflatten(0, (-1, n))
            for fall, (top, left) in zip(fallen, some, strict=True):
                total[:, top, left] += fall[:, None, None]
                count[top, left] += 1
        return total / count


def windows(side: int, window: float, stride: float) -> list[slice]:
    """The places of a window on a side of that many pixels, from edge to edge."""
    size, step = max(1, round(window * side)), max(1, round(stride * side))
    starts = [*range(0, side - size, step), side - size]
    return [slice(start, start + size) for start in starts]
