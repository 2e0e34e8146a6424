"""Networks of the plain reference loops, written from the papers in the shortest form; they share no code with `src/`.

A generator maps (latent (N, Z), label (N,)) to images (N, C, S, S) in [-1, 1]; a discriminator maps (image, label) to logits
(N,), or to (logits, class logits (N, 10)) where it has an auxiliary classifier.
"""

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot

CLASSES = 10


def base_of(size: int) -> tuple[int, int]:
    """(smallest side, doublings): 16 -> (4, 2), 28 -> (7, 2), 32 -> (4, 3)."""
    doublings = 0
    while size > 7:
        size, doublings = size // 2, doublings + 1
    return size, doublings


def with_class(latent: Tensor, label: Tensor) -> Tensor:
    """One-hot labels beside the latent (Mirza and Osindero 2014)."""
    return torch.cat([latent, one_hot(label, CLASSES).to(latent.dtype)], dim=1)


def dcgan_normal(network: nn.Module) -> None:
    """N(0, 0.02) (Radford et al. 2016, section 4)."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            nn.init.normal_(module.weight, 0, 0.02)


class Head(nn.Module):
    """linear(h) + <embedding(label), h> (Miyato and Koyama 2018); or linear(h) and a classifier's logits (Odena et al. 2017)."""

    def __init__(self, features: int, *, auxiliary: bool = False) -> None:
        super().__init__()
        self.linear = nn.Linear(features, 1)
        self.classes = nn.Linear(features, CLASSES) if auxiliary else nn.Embedding(CLASSES, features)
        nn.init.normal_(self.classes.weight, 0, features**-0.5)

    def forward(self, h: Tensor, label: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        logit = self.linear(h).squeeze(1)
        if isinstance(self.classes, nn.Linear):
            return logit, self.classes(h)
        return logit + (self.classes(label) * h).sum(1)


class MLPGenerator(nn.Module):
    """Goodfellow et al. 2014: fully connected."""

    def __init__(self, channels: int, size: int, z: int, *, width: int) -> None:
        super().__init__()
        self.shape = (channels, size, size)
        hidden = [nn.Linear(z + CLASSES, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU()]
        self.stack = nn.Sequential(*hidden, nn.Linear(width, channels * size**2), nn.Tanh())

    def forward(self, latent: Tensor, label: Tensor) -> Tensor:
        return self.stack(with_class(latent, label)).unflatten(1, self.shape)


class MLPDiscriminator(nn.Module):
    """Two layers of maxout units of five pieces."""

    def __init__(self, channels: int, size: int, *, width: int) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(channels * size**2, width * 5), nn.Linear(width, width * 5)
        self.head = Head(width)

    def forward(self, image: Tensor, label: Tensor) -> Tensor:
        h = self.first(image.flatten(1)).unflatten(1, (-1, 5)).amax(2)
        return self.head(self.second(h).unflatten(1, (-1, 5)).amax(2), label)


class ConvGenerator(nn.Module):
    """Doublings to the image, by transposed convolutions with BatchNorm (DCGAN) or by copying pixels without any norm.

    Radford et al. 2016; the second as in Odena et al. 2016, "Deconvolution and checkerboard artifacts".
    """

    def __init__(self, channels: int, size: int, z: int, *, width: int, norm: bool) -> None:
        super().__init__()
        self.base, doublings = base_of(size)
        widths = [width * 2**i for i in reversed(range(doublings))] + [channels if norm else width // 2]
        self.first = nn.Linear(z + CLASSES, widths[0] * self.base**2)
        stack: list[nn.Module] = []
        for before, after in pairwise(widths):
            if norm:
                stack += [nn.BatchNorm2d(before), nn.ReLU(), nn.ConvTranspose2d(before, after, 4, 2, 1)]
            else:
                stack += [nn.LeakyReLU(0.2), nn.Upsample(scale_factor=2), nn.Conv2d(before, after, 3, padding=1)]
        if not norm:
            stack += [nn.LeakyReLU(0.2), nn.Conv2d(widths[-1], channels, 3, padding=1)]
        self.stack = nn.Sequential(*stack, nn.Tanh())
        if norm:
            dcgan_normal(self)

    def forward(self, latent: Tensor, label: Tensor) -> Tensor:
        return self.stack(self.first(with_class(latent, label)).unflatten(1, (-1, self.base, self.base)))


class ConvDiscriminator(nn.Module):
    """Strided convolutions and leaky ReLU; BatchNorm but in the first, where asked. normal: N(0, 0.02) weights."""

    def __init__(self, channels: int, size: int, *, width: int, norm: bool, normal: bool) -> None:
        super().__init__()
        base, halvings = base_of(size)
        stack: list[nn.Module] = []
        before = channels
        for i in range(halvings):
            after = width * 2**i
            middle = [nn.BatchNorm2d(after)] if norm and i else []
            stack += [nn.Conv2d(before, after, 4, 2, 1), *middle, nn.LeakyReLU(0.2)]
            before = after
        self.stack = nn.Sequential(*stack, nn.Flatten())
        if normal:
            dcgan_normal(self)
        self.head = Head(before * base**2)

    def forward(self, image: Tensor, label: Tensor) -> Tensor:
        return self.head(self.stack(image), label)
