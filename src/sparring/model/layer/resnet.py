"""Residual stacks of WGAN-GP, SNGAN, SAGAN and BigGAN (Gulrajani et al. 2017, appendix F; Miyato et al. 2018, table 4)."""

from collections.abc import Callable, Sequence
from itertools import pairwise

from torch import Tensor, nn

from sparring.model.layer.attention import SelfAttention
from sparring.model.layer.norm import Norm


class UpBlock(nn.Module):
    """upsample(1x1(x)) + 3x3(relu(norm(3x3(upsample(relu(norm(x))))))), nearest-neighbour upsampling by two.

    Shapes: (N, before, H, W), condition (N, K) -> (N, after, 2 H, 2 W).
    """

    def __init__(self, before: int, after: int, norm: Callable[[int], Norm]) -> None:
        super().__init__()
        self.norm_first, self.norm_second = norm(before), norm(after)
        self.first = nn.Conv2d(before, after, 3, padding=1)
        self.second = nn.Conv2d(after, after, 3, padding=1)
        self.shortcut = nn.Conv2d(before, after, 1)

    def forward(self, hidden: Tensor, condition: Tensor) -> Tensor:
        branch = self.norm_first(hidden, condition).relu()
        branch = self.first(_upsample(branch))
        branch = self.second(self.norm_second(branch, condition).relu())
        # A 1x1 convolution and copying pixels commute: the cheaper order.
        return _upsample(self.shortcut(hidden)) + branch


class UpStack(nn.Module):
    """One `UpBlock` per pair of neighbouring `widths`, then BatchNorm, ReLU, 3x3 convolution and tanh.

    Args:
        channels: of the image. widths: channels before, between and after the blocks.
        norm: number of channels -> a block's norm; the last norm is plain.
        attention: index of the block before which self-attention is inserted (`len(widths) - 1`: after the last), or None.

    Shapes: hidden (N, widths[0], B, B), one condition (N, K) per block -> (N, channels, B * 2^blocks, B * 2^blocks).
    """

    def __init__(
        self, channels: int, widths: Sequence[int], norm: Callable[[int], Norm], *, attention: int | None
    ) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(UpBlock(before, after, norm) for before, after in pairwise(widths))
        self.at = attention
        self.attention = nn.Identity() if attention is None else SelfAttention(widths[attention])
        self.norm = nn.BatchNorm2d(widths[-1])
        self.to_image = nn.Conv2d(widths[-1], channels, 3, padding=1)

    def forward(self, hidden: Tensor, conditions: Sequence[Tensor]) -> Tensor:
        for number, (block, condition) in enumerate(zip(self.blocks, conditions, strict=True)):
            hidden = block(self.attention(hidden) if number == self.at else hidden, condition)
        if self.at == len(self.blocks):
            hidden = self.attention(hidden)
        return self.to_image(self.norm(hidden).relu()).tanh()


class DownBlock(nn.Module):
    """1x1(pool(x)) + pool(3x3(relu(3x3(relu(x))))); the shortcut is the identity where nothing changes.

    Args:
        first: whether its input is the image, so that the leading activation is left out.
        halve: 2x2 average pooling.
        batch_norm: BatchNorm before each of its activations.

    Shapes: (N, before, H, W) -> (N, after, H, W), or half of H and W.
    """

    def __init__(self, before: int, after: int, *, first: bool, halve: bool, batch_norm: bool) -> None:
        super().__init__()
        lead = [] if first else [*_norm(before, batch_norm), nn.ReLU()]
        self.branch = nn.Sequential(
            *lead,
            nn.Conv2d(before, after, 3, padding=1),
            *_norm(after, batch_norm),
            nn.ReLU(),
            nn.Conv2d(after, after, 3, padding=1),
            nn.AvgPool2d(2) if halve else nn.Identity(),
        )
        # Averaging and a 1x1 convolution commute: the cheaper order.
        self.shortcut = nn.Sequential(
            nn.AvgPool2d(2) if halve else nn.Identity(),
            nn.Conv2d(before, after, 1) if halve or before != after else nn.Identity(),
        )

    def forward(self, hidden: Tensor) -> Tensor:
        return self.shortcut(hidden) + self.branch(hidden)


class DownStack(nn.Module):
    """One `DownBlock` per width, the first `halvings` of which halve, then ReLU and the sum over positions.

    Args:
        channels: of the image. widths: channels of the blocks.
        batch_norm: as of `DownBlock`. There is none after the last block: the maps before the last ReLU would have the same mean
            and variance in a batch of real and in one of generated images.
        attention: index of the block after which self-attention is inserted, or None.

    Shapes: image (N, channels, H, W) -> features (N, widths[-1]).
    """

    def __init__(
        self, channels: int, widths: Sequence[int], *, halvings: int, batch_norm: bool, attention: int | None
    ) -> None:
        super().__init__()
        blocks: list[nn.Module] = []
        for number, (before, after) in enumerate(pairwise([channels, *widths])):
            first, halve = number == 0, number < halvings
            blocks.append(DownBlock(before, after, first=first, halve=halve, batch_norm=batch_norm))
            if number == attention:
                blocks.append(SelfAttention(after))
        self.blocks = nn.Sequential(*blocks, nn.ReLU())

    def forward(self, image: Tensor) -> Tensor:
        return self.blocks(image).sum(dim=(2, 3))


def halvings_of(doublings: int, flat: int) -> int:
    """How often a discriminator of `doublings` + 1 blocks, the last `flat` of which keep the size, halves it.

    32 pixels with flat=2: 4 blocks, 2 halvings (SNGAN's CIFAR-10 network); 128 pixels with flat=1: 6 blocks, 5 halvings.
    At least one, so that 8 pixels keep one.
    """
    return max(doublings + 1 - flat, 1)


def _norm(channels: int, wanted: bool) -> list[nn.Module]:
    return [nn.BatchNorm2d(channels)] if wanted else []


def _upsample(hidden: Tensor) -> Tensor:
    return nn.functional.interpolate(hidden, scale_factor=2, mode="nearest")
