"""Convolutional perturbation generator: halvings, residual blocks, doublings, as image-to-image networks have them."""

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from sparring.core.errors import ConfigError
from sparring.model.perturber.base import Perturber


class ConvPerturber(Perturber):
    """3x3 convolution -> [4x4/2] per level -> residual blocks -> [upsample, join, 3x3] per level -> 3x3; the blocks also read
    the mean over the image.

    The output is scaled to mean 0 and root mean square `gain` per image, before tanh. Without that the network first learns a
    perturbation that is the same at every pixel: see conf/model/perturber/conv.yaml.

    Args:
        width: channels at full size; they double with every level.
        levels: halvings; the image size need not be divisible. blocks: residual blocks.

    Raises:
        ConfigError: more levels than the image size allows, or a gain that is not above 0.
    """

    def __init__(self, *, channels: int, image_size: int, width: int, levels: int, blocks: int, gain: float) -> None:
        super().__init__()
        if levels < 0 or image_size < 2**levels or not gain > 0:
            raise ConfigError(
                f"model.perturber.levels={levels} must be 0 or more halvings that data.image_size={image_size} has room for, and "
                f"model.perturber.gain={gain} above 0."
            )
        self.gain = gain
        self.first = _block(channels, width)
        widths = [width * 2**level for level in range(levels + 1)]
        self.down = nn.ModuleList(
            nn.Sequential(nn.Conv2d(wide, 2 * wide, 4, stride=2, padding=1), nn.LeakyReLU(0.2)) for wide in widths[:-1]
        )
        self.middle = nn.Sequential(*(_Residual(widths[-1]) for _ in range(blocks)))
        self.up = nn.ModuleList(_block(3 * wide, wide) for wide in reversed(widths[:-1]))
        self.last = nn.Conv2d(width, channels, 3, padding=1)

    def raw(self, image: Tensor) -> Tensor:
        hidden = self.first(image)
        before = []
        for down in self.down:
            before.append(hidden)
            hidden = down(hidden)
        hidden = self.middle(hidden)
        for up, skip in zip(self.up, reversed(before), strict=True):
            hidden = up(torch.cat([interpolate(hidden, size=skip.shape[-2:]), skip], 1))
        change = self.last(hidden)
        change = change - change.mean((1, 2, 3), keepdim=True)
        return self.gain * change * (change.square().mean((1, 2, 3), keepdim=True) + 1e-6).rsqrt()


class _Residual(nn.Module):
    """x + 3x3 convolution, ReLU, 3x3 convolution of x; the ReLU also reads a linear map of the mean over the image."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.one, self.two = (nn.Conv2d(width, width, 3, padding=1) for _ in range(2))
        self.whole = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        context = self.whole(x.mean((2, 3)))[:, :, None, None]
        return x + self.two((self.one(x) + context).relu())


def _block(before: int, after: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(before, after, 3, padding=1), nn.LeakyReLU(0.2))
