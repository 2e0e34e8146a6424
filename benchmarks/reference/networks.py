"""Networks of the plain reference loops, written from the papers in the shortest form; they share no code with `src/`.

A generator maps (latent (N, Z), label (N,)) to images (N, C, S, S) in [-1, 1]; a discriminator maps (image, label) to logits
(N,), or to (logits, class logits (N, K)) with `auxiliary`. Labels are one-hot beside the latent or in conditional BatchNorm;
D's logit is linear(h) + <embedding(label), h> (Miyato and Koyama 2018).
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm

K = 10  # classes


def base_of(size: int) -> tuple[int, int]:
    """(smallest side, doublings): 16 -> (4, 2), 28 -> (7, 2), 32 -> (4, 3)."""
    doublings = 0
    while size > 7:
        size, doublings = size // 2, doublings + 1
    return size, doublings


def with_class(latent: Tensor, label: Tensor) -> Tensor:
    return torch.cat([latent, F.one_hot(label, K).to(latent.dtype)], dim=1)


def normal_(network: nn.Module) -> nn.Module:
    """N(0, 0.02) as DCGAN (Radford et al. 2016, section 4)."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear | nn.Embedding):
            nn.init.normal_(module.weight, 0, 0.02)
    return network


class Projection(nn.Module):
    """The end of a discriminator: a logit that sees the label, or logit and class logits."""

    def __init__(self, features: int, *, auxiliary: bool = False) -> None:
        super().__init__()
        self.linear = nn.Linear(features, 1)
        self.classes = nn.Linear(features, K) if auxiliary else nn.Embedding(K, features)
        nn.init.normal_(self.classes.weight, 0, features**-0.5)

    def forward(self, h: Tensor, label: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        logit = self.linear(h).squeeze(1)
        if isinstance(self.classes, nn.Linear):
            return logit, self.classes(h)
        return logit + (self.classes(label) * h).sum(1)


class MLPGenerator(nn.Module):
    """Goodfellow et al. 2014: fully connected."""

    def __init__(self, channels: int, size: int, z: int, width: int) -> None:
        super().__init__()
        self.shape = (channels, size, size)
        self.stack = nn.Sequential(
            nn.Linear(z + K, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, channels * size**2)
        )

    def forward(self, latent: Tensor, label: Tensor) -> Tensor:
        return self.stack(with_class(latent, label)).tanh().unflatten(1, self.shape)


class MLPDiscriminator(nn.Module):
    def __init__(self, channels: int, size: int, width: int) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(channels * size**2, width * 5), nn.Linear(width, width * 5)
        self.end = Projection(width)

    def forward(self, image: Tensor, label: Tensor) -> Tensor:
        h = self.first(image.flatten(1)).unflatten(1, (-1, 5)).amax(2)
        return self.end(self.second(h).unflatten(1, (-1, 5)).amax(2), label)


class DCGANGenerator(nn.Module):
    """Radford et al. 2016: transposed convolutions, BatchNorm and ReLU."""

    def __init__(self, channels: int, size: int, z: int, width: int) -> None:
        super().__init__()
        self.base, doublings = base_of(size)
        widths = [width * 2**i for i in reversed(range(doublings))] + [channels]
        self.first = nn.Linear(z + K, widths[0] * self.base**2, bias=False)
        stack: list[nn.Module] = []
        for before, after in zip(widths, widths[1:], strict=False):
            stack += [nn.BatchNorm2d(before), nn.ReLU(), nn.ConvTranspose2d(before, after, 4, 2, 1)]
        self.stack = nn.Sequential(*stack, nn.Tanh())
        normal_(self)

    def forward(self, latent: Tensor, label: Tensor) -> Tensor:
        return self.stack(self.first(with_class(latent, label)).unflatten(1, (-1, self.base, self.base)))


class DCGANDiscriminator(nn.Module):
    """Strided convolutions, BatchNorm (not in the first) and leaky ReLU."""

    def __init__(self, channels: int, size: int, width: int, *, norm: bool = True, init: bool = True) -> None:
        super().__init__()
        base, halvings = base_of(size)
        stack, before = [], channels
        for i in range(halvings):
            after = width * 2**i
            stack += [nn.Conv2d(before, after, 4, 2, 1), *([nn.BatchNorm2d(after)] if norm and i else []), nn.LeakyReLU(0.2)]
            before = after
        self.stack = nn.Sequential(*stack, nn.Flatten())
        if init:
            normal_(self)
        self.end = Projection(before * base**2)

    def forward(self, image: Tensor, label: Tensor) -> Tensor:
        return self.end(self.stack(image), label)


class ConvGenerator(nn.Module):
    """No normalisation: nearest-neighbour doubling and 3x3 convolutions."""

    def __init__(self, channels: int, size: int, z: int, width: int) -> None:
        super().__init__()
        self.base, doublings = base_of(size)
        widths = [width * 2**i for i in reversed(range(doublings))] + [width // 2]
        self.first = nn.Linear(z + K, widths[0] * self.base**2)
        stack: list[nn.Module] = [nn.LeakyReLU(0.2)]
        for before, after in zip(widths, widths[1:], strict=False):
            stack += [nn.Upsample(scale_factor=2), nn.Conv2d(before, after, 3, padding=1), nn.LeakyReLU(0.2)]
        self.stack = nn.Sequential(*stack, nn.Conv2d(widths[-1], channels, 3, padding=1), nn.Tanh())

    def forward(self, latent: Tensor, label: Tensor) -> Tensor:
        return self.stack(self.first(with_class(latent, label)).unflatten(1, (-1, self.base, self.base)))


class ConvDiscriminator(nn.Module):
    """No normalisation: strided convolutions."""

    def __init__(self, channels: int, size: int, width: int) -> None:
        super().__init__()
        base, halvings = base_of(size)
        stack, before = [], channels
        for i in range(halvings):
            stack += [nn.Conv2d(before, width * 2**i, 4, 2, 1), nn.LeakyReLU(0.2)]
            before = width * 2**i
        self.stack = nn.Sequential(*stack, nn.Flatten())
        self.end = Projection(before * base**2)

    def forward(self, image: Tensor, label: Tensor) -> Tensor:
        return self.end(self.stack(image), label)


class ConditionalBatchNorm(nn.Module):
    """A gain and a bias per class (Dumoulin et al. 2017)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(channels, affine=False)
        self.gain, self.bias = nn.Embedding(K, channels), nn.Embedding(K, channels)
        nn.init.ones_(self.gain.weight)
        nn.init.zeros_(self.bias.weight)

    def forward(self, h: Tensor, label: Tensor) -> Tensor:
        return self.norm(h) * self.gain(label)[:, :, None, None] + self.bias(label)[:, :, None, None]


class Attention(nn.Module):
    """Zhang et al. 2019: softmax over positions, added with a weight that starts at 0."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        narrow = max(channels // 8, 1)
        self.query, self.key = nn.Conv2d(channels, narrow, 1), nn.Conv2d(channels, narrow, 1)
        self.value, self.gamma = nn.Conv2d(channels, channels, 1), nn.Parameter(torch.zeros(()))

    def forward(self, h: Tensor) -> Tensor:
        weights = (self.query(h).flatten(2).transpose(1, 2) @ self.key(h).flatten(2)).softmax(dim=2)
        return h + self.gamma * (self.value(h).flatten(2) @ weights.transpose(1, 2)).view_as(h)


class ResNetGenerator(nn.Module):
    """Gulrajani et al. 2017 and Miyato et al. 2018: residual blocks that double, BatchNorm or conditional BatchNorm."""

    def __init__(
        self, channels: int, size: int, z: int, width: int, *, conditional: bool = True, attention: bool = False, spectral: bool = False
    ) -> None:
        super().__init__()
        self.base, doublings = base_of(size)
        self.conditional = conditional
        self.first = nn.Linear(z if conditional else z + K, width * self.base**2)
        norm = ConditionalBatchNorm if conditional else nn.BatchNorm2d
        self.blocks = nn.ModuleList(
            nn.ModuleDict({"n1": norm(width), "c1": nn.Conv2d(width, width, 3, padding=1), "n2": norm(width),
                           "c2": nn.Conv2d(width, width, 3, padding=1), "skip": nn.Conv2d(width, width, 1)})
            for _ in range(doublings)
        )  # fmt: skip
        self.attention = Attention(width) if attention else nn.Identity()
        self.norm, self.to_image = nn.BatchNorm2d(width), nn.Conv2d(width, channels, 3, padding=1)
        _orthogonal(self, spectral)

    def forward(self, latent: Tensor, label: Tensor) -> Tensor:
        more = (label,) if self.conditional else ()
        h = self.first(latent if self.conditional else with_class(latent, label)).unflatten(1, (-1, self.base, self.base))
        for number, block in enumerate(self.blocks):
            branch = block["c1"](F.interpolate(block["n1"](h, *more).relu(), scale_factor=2))
            branch = block["c2"](block["n2"](branch, *more).relu())
            h = branch + block["skip"](F.interpolate(h, scale_factor=2))
            h = self.attention(h) if number == len(self.blocks) - 2 else h
        return self.to_image(self.norm(h).relu()).tanh()


class ResNetDiscriminator(nn.Module):
    """Residual blocks, the last two of which keep the size; sum over positions."""

    def __init__(
        self, channels: int, size: int, width: int, *, norm: bool = False, spectral: bool = False, attention: bool = False,
        auxiliary: bool = False,
    ) -> None:  # fmt: skip
        super().__init__()
        _, doublings = base_of(size)
        blocks, before = [], channels
        for number in range(doublings + 1):
            halve = number < max(doublings - 1, 1)
            blocks.append(_Down(before, width, first=number == 0, halve=halve, norm=norm))
            if attention and number == 0:
                blocks.append(Attention(width))
            before = width
        self.blocks = nn.Sequential(*blocks)
        self.end = Projection(width, auxiliary=auxiliary)
        _orthogonal(self, spectral)

    def forward(self, image: Tensor, label: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        return self.end(self.blocks(image).relu().sum((2, 3)), label)


class _Down(nn.Module):
    def __init__(self, before: int, after: int, *, first: bool, halve: bool, norm: bool) -> None:
        super().__init__()
        start = [] if first else [*([nn.BatchNorm2d(before)] if norm else []), nn.ReLU()]
        middle = [nn.BatchNorm2d(after)] if norm else []
        self.branch = nn.Sequential(
            *start, nn.Conv2d(before, after, 3, padding=1), *middle, nn.ReLU(), nn.Conv2d(after, after, 3, padding=1)
        )
        self.skip = nn.Conv2d(before, after, 1)
        self.halve = nn.AvgPool2d(2) if halve else nn.Identity()

    def forward(self, h: Tensor) -> Tensor:
        return self.halve(self.branch(h) + self.skip(h))


def _orthogonal(network: nn.Module, spectral: bool) -> None:
    for module in list(network.modules()):
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.orthogonal_(module.weight)
            nn.init.zeros_(module.bias)
        if spectral and isinstance(module, nn.Conv2d | nn.Linear) or (spectral and isinstance(module, nn.Embedding) and not isinstance(network, ResNetGenerator)):
            spectral_norm(module)
