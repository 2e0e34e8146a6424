"""A small U-Net with residual blocks that time and class modulate (Ho et al. 2020; Dhariwal and Nichol 2021)."""

import math
from itertools import pairwise

import torch
from torch import Tensor, nn

from sparring.core.errors import ConfigError
from sparring.model.velocity.base import Velocity

GROUPS = 8  # of the group norms
HEADS = 4  # of the attention
SMALLEST = 4  # side of the coarsest maps, or the first odd side above it
HIGHEST_FREQUENCY = 100.0  # of the time features, in radians over the whole way
WIDEST = 2  # times `width`, below the first level


class UNet(Velocity):
    """Patches -> residual blocks on ever coarser maps, attention on the coarsest -> the same way back, with skips -> patches.

    A block is norm, SiLU, 3x3 convolution, twice, the second norm scaled and shifted by time and class (adaptive group
    normalisation, Dhariwal and Nichol 2021, section 3.1). The last convolution of each block, and of the network, is zero
    at the start, so that training begins at the velocity 0.

    Args:
        width: channels of the first level, a multiple of 8; twice as many below it.
        depth: residual blocks per level on the way down, and on the way up.
        patch: side of the squares of pixels that the first layer takes as one position; None: the smallest power of two that
            leaves at most 16 positions a side. The cost falls with its square.

    Raises:
        ConfigError: a width that the norms cannot group, no blocks, or a patch that does not divide the image.
    """

    def __init__(
        self, *, channels: int, image_size: int, num_classes: int, width: int, depth: int, patch: int | None
    ) -> None:
        if width < GROUPS or width % GROUPS or depth < 1:
            raise ConfigError(
                f"model.velocity has width={width} and depth={depth}; give a multiple of {GROUPS} and at least 1 block."
            )
        patch = _patch(image_size) if patch is None else patch
        if patch < 1 or image_size % patch:
            raise ConfigError(
                f"model.velocity.patch={patch} must divide the {image_size} pixels of a side; give 1, 2 or 4."
            )
        super().__init__()
        self.num_classes, self.patch = num_classes, patch
        widths, levels = _levels(image_size // patch, width)
        condition = 4 * width
        self.time = nn.Sequential(nn.Linear(2 * width, condition), nn.SiLU(), nn.Linear(condition, condition))
        self.label = nn.Embedding(num_classes + 1, condition)
        self.frequency: Tensor
        self.register_buffer("frequency", torch.logspace(0, math.log10(HIGHEST_FREQUENCY), width), persistent=False)
        self.first = nn.Conv2d(channels * patch**2, width, 3, padding=1)
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        for before, after in pairwise([width, *widths]):
            self.down.append(_blocks(before, after, condition, depth))
        self.middle = nn.ModuleList(
            [
                Residual(widths[-1], widths[-1], condition),
                Attention(widths[-1]),
                Residual(widths[-1], widths[-1], condition),
            ]
        )
        for before, after in pairwise([*reversed(widths), width]):
            self.up.append(_blocks(2 * before, after, condition, depth))
        assert len(self.down) == levels
        self.last = nn.Sequential(
            nn.GroupNorm(GROUPS, width), nn.SiLU(), _zero(nn.Conv2d(width, channels * patch**2, 3, padding=1))
        )

    def forward(self, image: Tensor, time: Tensor, label: Tensor) -> Tensor:
        angle = time[:, None] * self.frequency.to(time.dtype)
        condition = self.time(torch.cat([angle.sin(), angle.cos()], 1)) + self.label(label)  # (N, 4 W)
        condition = nn.functional.silu(condition)
        hidden = self.first(nn.functional.pixel_unshuffle(image, self.patch))  # (N, W, H / patch, W / patch)
        skips = []
        for level, blocks in enumerate(self.down):
            if level > 0:
                hidden = nn.functional.avg_pool2d(hidden, 2)
            for block in blocks:  # type: ignore[attr-defined]
                hidden = block(hidden, condition)
            skips.append(hidden)
        before, attention, after = self.middle
        hidden = after(attention(before(hidden, condition)), condition)
        for blocks in self.up:
            skip = skips.pop()
            if hidden.shape[2] < skip.shape[2]:
                hidden = nn.functional.interpolate(hidden, scale_factor=2, mode="nearest")
            hidden = torch.cat([hidden, skip], 1)
            for block in blocks:  # type: ignore[attr-defined]
                hidden = block(hidden, condition)
        return nn.functional.pixel_shuffle(self.last(hidden), self.patch)


class Residual(nn.Module):
    """x + conv(modulated norm(conv(norm(x)))).

    Shapes: hidden (N, before, H, W), condition (N, K) -> (N, after, H, W).
    """

    def __init__(self, before: int, after: int, condition: int) -> None:
        super().__init__()
        self.norm, self.conv = nn.GroupNorm(GROUPS, before), nn.Conv2d(before, after, 3, padding=1)
        self.modulated = nn.GroupNorm(GROUPS, after, affine=False)
        self.modulation = nn.Linear(condition, 2 * after)
        self.out = _zero(nn.Conv2d(after, after, 3, padding=1))
        self.skip = nn.Conv2d(before, after, 1) if before != after else nn.Identity()

    def forward(self, hidden: Tensor, condition: Tensor) -> Tensor:
        scale, shift = self.modulation(condition)[:, :, None, None].chunk(2, 1)
        inner = self.conv(nn.functional.silu(self.norm(hidden)))
        inner = self.out(nn.functional.silu(self.modulated(inner) * (1 + scale) + shift))
        return self.skip(hidden) + inner


class Attention(nn.Module):
    """x + self-attention over the positions of a map (Ho et al. 2020, appendix B); (N, W, H, W) -> the same."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm, self.qkv = nn.GroupNorm(GROUPS, width), nn.Conv2d(width, 3 * width, 1)
        self.out = _zero(nn.Conv2d(width, width, 1))

    def forward(self, hidden: Tensor) -> Tensor:
        size = hidden.shape[2:]
        query, key, value = (
            self.qkv(self.norm(hidden)).flatten(2).unflatten(1, (3, HEADS, -1)).transpose(3, 4).unbind(1)
        )
        mixed = nn.functional.scaled_dot_product_attention(query, key, value)  # (N, heads, positions, W / heads)
        return hidden + self.out(mixed.transpose(2, 3).flatten(1, 2).unflatten(2, size))


def _blocks(before: int, after: int, condition: int, depth: int) -> nn.ModuleList:
    return nn.ModuleList(Residual(before if number == 0 else after, after, condition) for number in range(depth))


def _levels(side: int, width: int) -> tuple[list[int], int]:
    """Channels of each level, and how many there are: maps are halved while their side is even and above `SMALLEST`."""
    widths = [width]
    while side % 2 == 0 and side > SMALLEST:
        side //= 2
        widths.append(WIDEST * width)
    return widths, len(widths)


def _patch(image_size: int) -> int:
    patch = 1
    while image_size / patch > 16 and image_size % (2 * patch) == 0:
        patch *= 2
    return patch


def _zero(layer: nn.Conv2d) -> nn.Conv2d:
    for parameter in layer.parameters():
        nn.init.zeros_(parameter)
    return layer
