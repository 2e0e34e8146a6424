"""StyleGAN2's layers (Karras et al. 2020, "Analyzing and improving the image quality of StyleGAN", section 2).

Written from the paper. All weights are N(0, 1) and scaled where they are used (`layer/equalised.py`).
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from sparring.model.layer.equalised import equalise
from sparring.model.layer.resample import LowPass


class GainedLeakyReLU(nn.Module):
    """Leaky ReLU with slope 0.2 times sqrt(2), which keeps the variance of a normal input about 1."""

    def forward(self, hidden: Tensor) -> Tensor:
        return nn.functional.leaky_relu(hidden, 0.2) * 2**0.5


class Mapping(nn.Module):
    """Mapping network: rows scaled to mean square 1, then `layers` linear layers.

    Args:
        learning_rate: relative to the optimizer's; 0.01 in the paper.

    Shapes: (N, features) -> (N, style_dim).
    """

    def __init__(self, features: int, style_dim: int, layers: int, *, learning_rate: float = 0.01) -> None:
        super().__init__()
        stack: list[nn.Module] = []
        for layer in range(layers):
            stack += [nn.Linear(style_dim if layer else features, style_dim), GainedLeakyReLU()]
        self.layers = nn.Sequential(*stack)
        equalise(self.layers, learning_rate=learning_rate)

    def forward(self, code: Tensor) -> Tensor:
        return self.layers(unit_mean_square(code))


class ModulatedConv(nn.Module):
    """Convolution whose weight's input channels are scaled by the style, then every output channel to unit norm.

    Equations 1 and 3 of the paper: w' = s_i w_oik, w'' = w' / sqrt(sum_ik w'^2 + 1e-8), s = affine(style), which starts
    at 1. Scaling the input by s and the output by the divisor is the same and needs no weight per image; the weight's own scale,
    (fan-in)^(-1/2), cancels out in the quotient but for its share in the 1e-8.

    Args:
        demodulate: whether to divide (w''). up: doubles the size (transposed convolution, then the low-pass filter).

    Shapes: hidden (N, before, H, W), style (N, style_dim) -> (N, after, H, W), or twice as large.
    """

    def __init__(
        self, before: int, after: int, kernel: int, style_dim: int, *, demodulate: bool = True, up: bool = False
    ) -> None:
        super().__init__()
        self.demodulate, self.padding = demodulate, kernel // 2
        self.low_pass = LowPass(gain=4.0) if up else None
        fan_in = before * kernel**2
        self.scale = fan_in**-0.5
        self.floor: Tensor
        self.register_buffer("floor", torch.full((after,), 1e-8 * fan_in), persistent=False)
        self.weight = nn.Parameter(torch.randn(after, before, kernel, kernel))
        self.affine = nn.Linear(style_dim, before)
        equalise(self.affine)
        nn.init.ones_(self.affine.bias)

    def forward(self, hidden: Tensor, style: Tensor) -> Tensor:
        scales = self.affine(style)  # (N, before)
        weight = self.weight if self.demodulate else self.weight * self.scale  # (after, before, kernel, kernel)
        hidden = hidden * per_channel(scales).to(hidden.dtype)
        if self.low_pass is not None:
            hidden = nn.functional.conv_transpose2d(hidden, weight.transpose(0, 1), stride=2)
            hidden = self.low_pass(hidden, padding=1)
        else:
            hidden = nn.functional.conv2d(hidden, weight, padding=self.padding)
        if self.demodulate:
            norm = nn.functional.linear(
                scales.square(), weight.square().sum(dim=(2, 3)), self.floor
            ).rsqrt()  # (N, after)
            hidden = hidden * per_channel(norm).to(hidden.dtype)
        return hidden


class StyledLayer(nn.Module):
    """Modulated 3x3 convolution, noise times a learned strength that starts at zero, bias, leaky ReLU.

    Args:
        up: as of `ModulatedConv`.

    Shapes: hidden (N, before, H, W), style (N, style_dim), noise (N, 1, H', W') -> (N, after, H', W'), of the same size or twice
    as large.
    """

    def __init__(self, before: int, after: int, style_dim: int, *, up: bool) -> None:
        super().__init__()
        self.convolution = ModulatedConv(before, after, 3, style_dim, up=up)
        self.strength = nn.Parameter(torch.zeros(()))
        self.bias = nn.Parameter(torch.zeros(after))
        self.activation = GainedLeakyReLU()

    def forward(self, hidden: Tensor, style: Tensor, noise: Tensor) -> Tensor:
        hidden = self.convolution(hidden, style)
        added = torch.addcmul(per_channel(self.bias), self.strength, noise.to(hidden.dtype))
        return self.activation(hidden + added)


class StyledStage(nn.Module):
    """All layers at one resolution: one that doubles the size (not in the first stage), one more, and one to the image.

    The image is the sum of all stages' images, doubled from stage to stage (the paper's "output skips", section 4.1).

    Args:
        before: channels of the stage before, None for the first stage. channels: of the image. number: of the stage.

    Shapes: hidden (N, before, H, W), image (N, channels, H, W); for each layer of the network, styles (N, style_dim) and noises
    (N, 1, H', W') -> hidden (N, after, 2 H, 2 W), image (N, channels, 2 H, 2 W); the first stage keeps the size.
    """

    def __init__(self, before: int | None, after: int, channels: int, style_dim: int, *, number: int) -> None:
        super().__init__()
        self.layers = slice(max(2 * number - 1, 0), 2 * number + 1)  # of the network's, this stage's
        self.grow = None if before is None else StyledLayer(before, after, style_dim, up=True)
        self.layer = StyledLayer(after, after, style_dim, up=False)
        self.to_image = ModulatedConv(after, channels, 1, style_dim, demodulate=False)
        self.bias = nn.Parameter(torch.zeros(channels))
        self.low_pass = LowPass(gain=4.0)

    def forward(
        self, hidden: Tensor, image: Tensor | None, styles: Sequence[Tensor], noises: Sequence[Tensor]
    ) -> tuple[Tensor, Tensor]:
        own, noise = styles[self.layers], noises[self.layers]
        if self.grow is not None:
            hidden = self.grow(hidden, own[0], noise[0])
        hidden = self.layer(hidden, own[-1], noise[-1])
        part = self.to_image(hidden, own[-1]) + per_channel(self.bias)
        return hidden, part if image is None else self.low_pass.upsample(image) + part


def per_channel(values: Tensor) -> Tensor:
    """(C,) or (N, C) -> (1, C, 1, 1) or (N, C, 1, 1)."""
    return values.view(-1, values.shape[-1], 1, 1)


def unit_mean_square(vectors: Tensor) -> Tensor:
    """Rows of (N, F) scaled so that the mean of their squares is 1."""
    return vectors * (vectors.square().mean(1, keepdim=True) + 1e-8).rsqrt()
