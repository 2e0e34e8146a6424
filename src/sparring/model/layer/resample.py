"""Resampling by two with StyleGAN2's low-pass filter [1, 3, 3, 1] (Karras et al. 2020, appendix B), by plain convolutions.

The filter removes most aliasing; maps are zero beyond their border. Shapes: (N, C, H, W) throughout.
"""

import torch
from torch import Tensor, nn

from sparring.core.errors import ConfigError


class LowPass(nn.Module):
    """The filter, which multiplies a constant map by `gain` inside.

    Buffers: kernel (1, 1, 4, 4), not saved: made anew at every use it would be sent to the GPU each time.
    """

    kernel: Tensor

    def __init__(self, *, gain: float = 1.0) -> None:
        super().__init__()
        line = torch.tensor([1.0, 3.0, 3.0, 1.0])
        self.register_buffer("kernel", gain / 64 * torch.outer(line, line)[None, None], persistent=False)

    def forward(self, maps: Tensor, *, padding: int, stride: int = 1) -> Tensor:
        """Filter every channel: (H + 2 padding - 4) // stride + 1 rows."""
        return nn.functional.conv2d(maps, self._of(maps), stride=stride, padding=padding, groups=maps.shape[1])

    def downsample(self, maps: Tensor) -> Tensor:
        """Filter, then keep every second pixel."""
        return self(maps, padding=1, stride=2)

    def upsample(self, maps: Tensor) -> Tensor:
        """Zeros between the pixels, then filter, for which `gain` should be 4."""
        return nn.functional.conv_transpose2d(maps, self._of(maps), stride=2, padding=1, groups=maps.shape[1])

    def _of(self, maps: Tensor) -> Tensor:
        """(C, 1, 4, 4): the same for every channel."""
        return self.kernel.to(maps.dtype).expand(maps.shape[1], 1, 4, 4)


class Upsample(nn.Module):
    """Twice the size by the low-pass filter: `LowPass.upsample`."""

    def __init__(self) -> None:
        super().__init__()
        self.low_pass = LowPass(gain=4.0)

    def forward(self, maps: Tensor) -> Tensor:
        return self.low_pass.upsample(maps)


class Downsample(nn.Module):
    """Half the size by the low-pass filter: `LowPass.downsample`."""

    def __init__(self) -> None:
        super().__init__()
        self.low_pass = LowPass()

    def forward(self, maps: Tensor) -> Tensor:
        return self.low_pass.downsample(maps)


def upsampler(resample: str) -> nn.Module:
    """(N, C, H, W) -> (N, C, 2H, 2W). resample: "bilinear" or "low_pass". Raises ConfigError for another name."""
    return nn.Upsample(scale_factor=2, mode="bilinear") if _checked(resample) == "bilinear" else Upsample()


def downsampler(resample: str) -> nn.Module:
    """(N, C, H, W) -> (N, C, H / 2, W / 2). resample: "bilinear", which is the mean of 2x2, or "low_pass".

    Raises:
        ConfigError: another name.
    """
    return nn.AvgPool2d(2) if _checked(resample) == "bilinear" else Downsample()


def _checked(resample: str) -> str:
    if resample not in ("bilinear", "low_pass"):
        raise ConfigError(f"resample={resample} is unknown; give bilinear or low_pass.")
    return resample
