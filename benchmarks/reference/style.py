"""StyleGAN2 in its shortest form, for the plain reference loops (Karras et al. 2020): no noise, no path length, no mixing."""

from itertools import pairwise

import torch
from reference.networks import CLASSES, Head, base_of, with_class
from torch import Tensor, nn
from torch.nn.functional import conv2d, interpolate, leaky_relu


class Equal(nn.Module):
    """A linear layer or convolution whose N(0, 1) weight is scaled where it is used (Karras et al. 2018, section 4.1)."""

    def __init__(self, before: int, after: int, kernel: int = 0, *, rate: float = 1.0, bias: float = 0.0) -> None:
        super().__init__()
        shape = (after, before, kernel, kernel) if kernel else (after, before)
        self.weight, self.bias = (
            nn.Parameter(torch.randn(shape) / rate),
            nn.Parameter(torch.full((after,), bias / rate)),
        )
        self.scale, self.rate, self.kernel = rate * (before * max(kernel, 1) ** 2) ** -0.5, rate, kernel

    def forward(self, h: Tensor) -> Tensor:
        weight, bias = self.weight * self.scale, self.bias * self.rate
        if self.kernel:
            return conv2d(h, weight, bias, padding=self.kernel // 2)
        return nn.functional.linear(h, weight, bias)


class Modulated(nn.Module):
    """Input channels scaled by the style, output channels to unit norm (equations 1 and 3)."""

    def __init__(self, before: int, after: int, style: int) -> None:
        super().__init__()
        self.weight, self.scale = nn.Parameter(torch.randn(after, before, 3, 3)), (before * 9) ** -0.5
        self.affine, self.bias = Equal(style, before, bias=1.0), nn.Parameter(torch.zeros(after, 1, 1))

    def forward(self, h: Tensor, style: Tensor) -> Tensor:
        s, weight = self.affine(style), self.weight * self.scale
        norm = (s.square() @ weight.square().sum((2, 3)).T + 1e-8).rsqrt()
        h = conv2d(h * s[:, :, None, None], weight, padding=1) * norm[:, :, None, None]
        return active(h + self.bias)


class StyleGenerator(nn.Module):
    def __init__(self, channels: int, size: int, z: int, *, width: int) -> None:
        super().__init__()
        base, doublings = base_of(size)
        widths = [width * 2**i for i in reversed(range(doublings + 1))]
        self.mapping = nn.ModuleList([Equal(z + CLASSES, z, rate=0.01), Equal(z, z, rate=0.01)])
        self.constant = nn.Parameter(torch.randn(widths[0], base, base))
        self.layers = nn.ModuleList(
            nn.ModuleList([Modulated(widths[max(i - 1, 0)], after, z), Modulated(after, after, z)])
            for i, after in enumerate(widths)
        )
        self.to_image = nn.ModuleList(Equal(after, channels, 1) for after in widths)

    def forward(self, latent: Tensor, label: Tensor) -> Tensor:
        style = with_class(latent * latent.square().mean(1, keepdim=True).rsqrt(), label)
        for layer in self.mapping:
            style = active(layer(style))
        h, image = self.constant.expand(len(latent), -1, -1, -1), torch.zeros(())
        for number, (first, second) in enumerate(self.layers):
            if number:
                h, image = (interpolate(each, scale_factor=2, mode="bilinear") for each in (h, image))
            h = second(first(h, style), style)
            image = image + self.to_image[number](h)
        return image


class StyleDiscriminator(nn.Module):
    """Residual blocks, the batch's standard deviation as one more channel, and a linear layer."""

    def __init__(self, channels: int, size: int, *, width: int) -> None:
        super().__init__()
        base, halvings = base_of(size)
        widths = [width * 2**i for i in range(halvings + 1)]
        self.start = Equal(channels, width, 1)
        self.blocks = nn.ModuleList(
            nn.ModuleList([Equal(before, before, 3), Equal(before, after, 3), Equal(before, after, 1)])
            for before, after in pairwise(widths)
        )
        self.end, self.linear = Equal(widths[-1] + 1, widths[-1], 3), Equal(widths[-1] * base**2, widths[-1])
        self.head = Head(widths[-1])

    def forward(self, image: Tensor, label: Tensor) -> Tensor:
        h = active(self.start(image))
        for first, second, skip in self.blocks:
            small = nn.functional.avg_pool2d(h, 2)
            h = (active(second(nn.functional.avg_pool2d(active(first(h)), 2))) + skip(small)) * 2**-0.5
        deviation = h.unflatten(0, (-1, 4)).std(1).mean((1, 2, 3))  # of groups of four images
        h = torch.cat([h, deviation.repeat_interleave(4)[:, None, None, None].expand(-1, 1, *h.shape[2:])], dim=1)
        return self.head(active(self.linear(active(self.end(h)).flatten(1))), label)


def active(h: Tensor) -> Tensor:
    """Leaky ReLU that keeps the variance of a normal input about 1."""
    return leaky_relu(h, 0.2) * 2**0.5
