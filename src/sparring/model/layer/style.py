"""StyleGAN2's layers (Karras et al. 2020, "Analyzing and improving the image quality of StyleGAN", section 2).

Written from the paper. All weights are N(0, 1) and scaled where they are used (`layer/equalised.py`).
"""

import torch
from torch import Tensor, nn

from sparring.model.layer.equalised import equalise
from sparring.model.layer.pixel_noise import pixel_noise
from sparring.model.layer.resample import double, smooth


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
    at 1. Scaling the input by s and the output by the divisor is the same and needs no weight per image.

    Args:
        demodulate: whether to divide (w''). up: doubles the size (transposed convolution, then the low-pass filter).

    Shapes: hidden (N, before, H, W), style (N, style_dim) -> (N, after, H, W), or twice as large.
    """

    def __init__(
        self, before: int, after: int, kernel: int, style_dim: int, *, demodulate: bool = True, up: bool = False
    ) -> None:
        super().__init__()
        self.demodulate, self.up, self.padding = demodulate, up, kernel // 2
        self.scale = (before * kernel**2) ** -0.5
        self.weight = nn.Parameter(torch.randn(after, before, kernel, kernel))
        self.affine = nn.Linear(style_dim, before)
        equalise(self.affine)
        nn.init.ones_(self.affine.bias)

    def forward(self, hidden: Tensor, style: Tensor) -> Tensor:
        scales, weight = self.affine(style), self.weight * self.scale  # (N, before), (after, before, kernel, kernel)
        hidden = hidden * scales[:, :, None, None].to(hidden.dtype)
        if self.up:
            hidden = nn.functional.conv_transpose2d(hidden, weight.transpose(0, 1), stride=2)
            hidden = smooth(hidden, padding=1, gain=4.0)
        else:
            hidden = nn.functional.conv2d(hidden, weight, padding=self.padding)
        if self.demodulate:
            # (N, before) @ (before, after) -> (N, after)
            norm = (scales.square() @ weight.square().sum(dim=(2, 3)).T + 1e-8).rsqrt()
            hidden = hidden * norm[:, :, None, None].to(hidden.dtype)
        return hidden


class StyledLayer(nn.Module):
    """Modulated 3x3 convolution, noise times a learned strength that starts at zero, bias, leaky ReLU.

    Args:
        number: of the layer in the network, so that each has other noise. up: as of `ModulatedConv`.

    Shapes: hidden (N, before, H, W), style (N, style_dim), seeds (N,) -> (N, after, H, W), or twice as large.
    """

    def __init__(self, before: int, after: int, style_dim: int, *, number: int, up: bool) -> None:
        super().__init__()
        self.number = number
        self.convolution = ModulatedConv(before, after, 3, style_dim, up=up)
        self.strength = nn.Parameter(torch.zeros(()))
        self.bias = nn.Parameter(torch.zeros(after))
        self.activation = GainedLeakyReLU()

    def forward(self, hidden: Tensor, style: Tensor, seeds: Tensor) -> Tensor:
        hidden = self.convolution(hidden, style)
        noise = pixel_noise(seeds, self.number, hidden.shape[-1]).to(hidden.dtype)
        return self.activation(hidden + self.strength * noise + self.bias[:, None, None])


class StyledStage(nn.Module):
    """All layers at one resolution: one that doubles the size (not in the first stage), one more, and one to the image.

    The image is the sum of all stages' images, doubled from stage to stage (the paper's "output skips", section 4.1).

    Args:
        before: channels of the stage before, None for the first stage. channels: of the image. number: of the stage.

    Shapes: hidden (N, before, H, W), image (N, channels, H, W), styles (N, layers, style_dim), one for each layer of the network,
    seeds (N,) -> hidden (N, after, 2 H, 2 W), image (N, channels, 2 H, 2 W); the first stage keeps the size.
    """

    def __init__(self, before: int | None, after: int, channels: int, style_dim: int, *, number: int) -> None:
        super().__init__()
        self.layers = slice(max(2 * number - 1, 0), 2 * number + 1)  # of the network's, this stage's
        self.grow = None if before is None else StyledLayer(before, after, style_dim, number=2 * number - 1, up=True)
        self.layer = StyledLayer(after, after, style_dim, number=2 * number, up=False)
        self.to_image = ModulatedConv(after, channels, 1, style_dim, demodulate=False)
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, hidden: Tensor, image: Tensor | None, styles: Tensor, seeds: Tensor) -> tuple[Tensor, Tensor]:
        own = styles[:, self.layers]
        if self.grow is not None:
            hidden = self.grow(hidden, own[:, 0], seeds)
        hidden = self.layer(hidden, own[:, -1], seeds)
        part = self.to_image(hidden, own[:, -1]) + self.bias[:, None, None]
        return hidden, part if image is None else double(image) + part


def unit_mean_square(vectors: Tensor) -> Tensor:
    """Rows of (N, F) scaled so that the mean of their squares is 1."""
    return vectors * (vectors.square().mean(1, keepdim=True) + 1e-8).rsqrt()
