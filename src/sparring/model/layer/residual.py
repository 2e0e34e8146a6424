"""Norm-free residual block of R3GAN's "Config E" (Huang et al. 2024, section 3.3 and appendix)."""

import torch
from torch import Tensor, nn

from sparring.core.errors import ConfigError


class BiasedLeakyReLU(nn.Module):
    """A bias per channel, then leaky ReLU with slope 0.2."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, hidden: Tensor) -> Tensor:
        return nn.functional.leaky_relu(hidden + self.bias.to(hidden.dtype)[:, None, None], 0.2)


class ResidualBlock(nn.Module):
    """x + 1x1(act(grouped 3x3(act(1x1(x))))), an inverted bottleneck.

    The last convolution starts at zero and the others are scaled by L^(-1/4), L the number of residual blocks in the
    network: Fixup initialisation (Zhang et al. 2019, section 3) for branches of three layers, instead of normalisation.

    Args:
        channels: of x. expansion: factor on them inside. group_width: channels of a group of the 3x3 convolution.
        depth: L.

    Raises:
        ConfigError: inner channels that do not divide into groups.

    Shapes: (N, channels, H, W) -> the same.
    """

    def __init__(self, channels: int, *, expansion: int, group_width: int, depth: int) -> None:
        super().__init__()
        hidden = channels * expansion
        groups = max(hidden // group_width, 1)
        if hidden % groups:
            raise ConfigError(
                f"A residual block has width {channels} * expansion {expansion} = {hidden} channels, which do not divide into "
                f"groups of group_width={group_width}; set a width whose product is a multiple of it."
            )
        self.branch = nn.Sequential(
            nn.Conv2d(channels, hidden, 1, bias=False),
            BiasedLeakyReLU(hidden),
            nn.Conv2d(hidden, hidden, 3, padding=1, groups=groups, bias=False),
            BiasedLeakyReLU(hidden),
            nn.Conv2d(hidden, channels, 1, bias=False),
        )
        first, middle, last = self.branch[0], self.branch[2], self.branch[4]
        for convolution in (first, middle):
            nn.init.kaiming_normal_(convolution.weight, a=0.2)  # type: ignore[arg-type]
            with torch.no_grad():
                convolution.weight.mul_(depth**-0.25)  # type: ignore[operator]
        nn.init.zeros_(last.weight)  # type: ignore[arg-type]

    def forward(self, hidden: Tensor) -> Tensor:
        return hidden + self.branch(hidden)


def pointwise(before: int, after: int) -> nn.Module:
    """1x1 convolution from `before` to `after` channels; the identity where they are equal."""
    if before == after:
        return nn.Identity()
    convolution = nn.Conv2d(before, after, 1, bias=False)
    nn.init.kaiming_normal_(convolution.weight, nonlinearity="linear")
    return convolution


def stage_widths(width: int, count: int, *, cap: int) -> list[int]:
    """Channels per stage from the image towards the base: `width`, twice that, ... up to `cap` times."""
    return [width * min(2**stage, cap) for stage in range(count)]
