"""Residual networks of the plain reference loops: WGAN-GP's, SNGAN's and SAGAN's, and R3GAN's without norms.

Gulrajani et al. 2017, Miyato et al. 2018, Zhang et al. 2019, Huang et al. 2024. Widths double from the image to the base.
"""

from collections.abc import Iterable
from itertools import pairwise

import torch
from reference.networks import CLASSES, Head, base_of, with_class
from torch import Tensor, nn
from torch.nn.functional import interpolate
from torch.nn.utils.parametrizations import spectral_norm


class ConditionalBatchNorm(nn.Module):
    """A gain and a bias per class (Dumoulin et al. 2017)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(channels, affine=False)
        self.gain, self.bias = nn.Embedding(CLASSES, channels), nn.Embedding(CLASSES, channels)
        nn.init.ones_(self.gain.weight)
        nn.init.zeros_(self.bias.weight)

    def forward(self, h: Tensor, label: Tensor) -> Tensor:
        return self.norm(h) * self.gain(label)[:, :, None, None] + self.bias(label)[:, :, None, None]


class Attention(nn.Module):
    """Softmax over positions, added with a weight that starts at 0 (Zhang et al. 2019)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        narrow = max(channels // 8, 1)
        self.query, self.key = nn.Conv2d(channels, narrow, 1), nn.Conv2d(channels, narrow, 1)
        self.value, self.gamma = nn.Conv2d(channels, channels, 1), nn.Parameter(torch.zeros(()))

    def forward(self, h: Tensor) -> Tensor:
        weights = (self.query(h).flatten(2).transpose(1, 2) @ self.key(h).flatten(2)).softmax(dim=2)
        return h + self.gamma * (self.value(h).flatten(2) @ weights.transpose(1, 2)).view_as(h)


class Up(nn.Module):
    """A residual block that doubles the size; `label` is for conditional norms alone."""

    def __init__(self, before: int, after: int, *, conditional: bool) -> None:
        super().__init__()
        norm = ConditionalBatchNorm if conditional else nn.BatchNorm2d
        self.norms = nn.ModuleList([norm(before), norm(after)])
        self.first, self.second = nn.Conv2d(before, after, 3, padding=1), nn.Conv2d(after, after, 3, padding=1)
        self.skip, self.conditional = nn.Conv2d(before, after, 1), conditional

    def forward(self, h: Tensor, label: Tensor) -> Tensor:
        more = (label,) if self.conditional else ()
        branch = self.first(interpolate(self.norms[0](h, *more).relu(), scale_factor=2))
        return self.second(self.norms[1](branch, *more).relu()) + self.skip(interpolate(h, scale_factor=2))


class ResNetGenerator(nn.Module):
    def __init__(
        self, channels: int, size: int, z: int, *, width: int, conditional: bool = True, spectral: bool = False,
        attention: bool = False,
    ) -> None:  # fmt: skip
        super().__init__()
        self.base, doublings = base_of(size)
        self.conditional = conditional
        widths = [width * 2**i for i in reversed(range(doublings + 1))]
        self.first = nn.Linear(z if conditional else z + CLASSES, widths[0] * self.base**2)
        self.blocks = nn.ModuleList(Up(before, after, conditional=conditional) for before, after in pairwise(widths))
        self.attention = Attention(widths[-2]) if attention else nn.Identity()
        self.end = nn.Sequential(nn.BatchNorm2d(width), nn.ReLU(), nn.Conv2d(width, channels, 3, padding=1), nn.Tanh())
        orthogonal(self, spectral=spectral, kinds=(nn.Conv2d, nn.Linear))

    def forward(self, latent: Tensor, label: Tensor) -> Tensor:
        h = self.first(latent if self.conditional else with_class(latent, label))
        h = h.unflatten(1, (-1, self.base, self.base))
        for number, block in enumerate(self.blocks):
            h = block(self.attention(h) if number == len(self.blocks) - 1 else h, label)
        return self.end(h)


class Down(nn.Module):
    """A residual block, halving where asked; the first one sees the image and has no leading activation."""

    def __init__(self, before: int, after: int, *, first: bool, halve: bool, norm: bool) -> None:
        super().__init__()
        lead = [] if first else [*([nn.BatchNorm2d(before)] if norm else []), nn.ReLU()]
        middle = [nn.BatchNorm2d(after)] if norm else []
        ends = nn.Conv2d(before, after, 3, padding=1), nn.Conv2d(after, after, 3, padding=1)
        self.branch = nn.Sequential(*lead, ends[0], *middle, nn.ReLU(), ends[1])
        self.skip, self.halve = nn.Conv2d(before, after, 1), nn.AvgPool2d(2) if halve else nn.Identity()

    def forward(self, h: Tensor) -> Tensor:
        return self.halve(self.branch(h) + self.skip(h))


class ResNetDiscriminator(nn.Module):
    """One block more than halvings; sum over positions."""

    def __init__(
        self, channels: int, size: int, *, width: int, norm: bool = False, spectral: bool = False, attention: bool = False,
        auxiliary: bool = False,
    ) -> None:  # fmt: skip
        super().__init__()
        _, halvings = base_of(size)
        blocks: list[nn.Module] = []
        before = channels
        for number in range(halvings + 1):
            after = width * 2**number
            blocks.append(Down(before, after, first=number == 0, halve=number < halvings, norm=norm))
            blocks += [Attention(after)] if attention and number == 0 else []
            before = after
        self.blocks, self.head = nn.Sequential(*blocks), Head(before, auxiliary=auxiliary)
        orthogonal(self, spectral=spectral, kinds=(nn.Conv2d, nn.Linear, nn.Embedding))

    def forward(self, image: Tensor, label: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        return self.head(self.blocks(image).relu().sum((2, 3)), label)


def orthogonal(network: nn.Module, *, spectral: bool, kinds: Iterable[type[nn.Module]]) -> None:
    """Orthogonal weights, spectrally normalised where asked, of layers of these kinds."""
    for module in list(network.modules()):
        if isinstance(module, tuple(kinds)):
            nn.init.orthogonal_(module.weight)
            if spectral:
                spectral_norm(module)


class Branch(nn.Module):
    """h + 1x1(act(3x3(act(1x1(h))))) whose last convolution starts at 0 (R3GAN; Fixup, Zhang et al. 2019)."""

    def __init__(self, width: int, depth: int) -> None:
        super().__init__()
        inner = [
            nn.Conv2d(width, 2 * width, 1),
            nn.Conv2d(2 * width, 2 * width, 3, padding=1, groups=max(width // 4, 1)),
        ]
        for convolution in inner:
            nn.init.kaiming_normal_(convolution.weight, a=0.2)
            convolution.weight.data.mul_(depth**-0.25)
        last = nn.Conv2d(2 * width, width, 1, bias=False)
        nn.init.zeros_(last.weight)
        self.stack = nn.Sequential(inner[0], nn.LeakyReLU(0.2), inner[1], nn.LeakyReLU(0.2), last)

    def forward(self, h: Tensor) -> Tensor:
        return h + self.stack(h)


class R3Generator(nn.Module):
    """A learned basis times the mixed code, then residual stages."""

    def __init__(self, channels: int, size: int, z: int, *, width: int) -> None:
        super().__init__()
        base, doublings = base_of(size)
        widths = [width * 2**i for i in reversed(range(doublings + 1))]
        self.basis, self.mix = nn.Parameter(torch.randn(widths[0], base, base)), nn.Linear(z + CLASSES, widths[0])
        nn.init.kaiming_normal_(self.mix.weight, nonlinearity="linear")
        stack: list[nn.Module] = [Branch(widths[0], doublings + 1)]
        for before, after in pairwise(widths):
            stack += [
                nn.Conv2d(before, after, 1),
                nn.Upsample(scale_factor=2, mode="bilinear"),
                Branch(after, doublings + 1),
            ]
        self.stack = nn.Sequential(*stack, nn.Conv2d(width, channels, 1))

    def forward(self, latent: Tensor, label: Tensor) -> Tensor:
        return self.stack(self.basis * self.mix(with_class(latent, label))[:, :, None, None])


class R3Discriminator(nn.Module):
    def __init__(self, channels: int, size: int, *, width: int) -> None:
        super().__init__()
        base, halvings = base_of(size)
        widths = [width * 2**i for i in range(halvings + 1)]
        stack: list[nn.Module] = [nn.Conv2d(channels, width, 1), Branch(width, halvings + 1)]
        for before, after in pairwise(widths):
            stack += [nn.AvgPool2d(2), nn.Conv2d(before, after, 1), Branch(after, halvings + 1)]
        self.stack = nn.Sequential(*stack, nn.Conv2d(widths[-1], widths[-1], base, groups=widths[-1]), nn.Flatten())
        self.head = Head(widths[-1])

    def forward(self, image: Tensor, label: Tensor) -> Tensor:
        return self.head(self.stack(image), label)
