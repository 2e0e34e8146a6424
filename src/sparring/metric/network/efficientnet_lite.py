"""EfficientNet-Lite0 (Tan and Le 2019 without squeeze-excitation, with ReLU6), named as the published state dict."""

import torch.nn.functional as F
from torch import Tensor, nn

# repeats, kernel, stride of the first block, expansion, channels
STAGES = ((1, 3, 1, 1, 16), (2, 3, 2, 6, 24), (2, 5, 2, 6, 40), (3, 3, 2, 6, 80), (3, 5, 1, 6, 112), (4, 5, 2, 6, 192),
          (1, 3, 1, 6, 320))  # fmt: skip
DIM = 1280
EPSILON = 1e-3


class SameConv(nn.Conv2d):
    """Convolution without bias whose output has ceil(input / stride) pixels; an odd pixel of padding goes right and below."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__(inputs, outputs, kernel, stride=stride, groups=groups, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        height, width = (self._total(length, axis) for axis, length in enumerate(x.shape[2:]))
        if height == width and height % 2 == 0:
            return F.conv2d(x, self.weight, None, self.stride, height // 2, 1, self.groups)
        pad = (width // 2, width - width // 2, height // 2, height - height // 2)
        return F.conv2d(F.pad(x, pad), self.weight, None, self.stride, 0, 1, self.groups)

    def _total(self, length: int, axis: int) -> int:
        stride, kernel = self.stride[axis], self.kernel_size[axis]
        return max((-(-length // stride) - 1) * stride + kernel - length, 0)


class MBConvBlock(nn.Module):
    """Expand 1x1, depthwise kxk, project 1x1; plus the input where shapes allow."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        inner = inputs * expansion
        self.skips = stride == 1 and inputs == outputs
        self.expands = expansion > 1
        if self.expands:
            self._expand_conv = SameConv(inputs, inner, 1)
            self._bn0 = nn.BatchNorm2d(inner, eps=EPSILON)
        self._depthwise_conv = SameConv(inner, inner, kernel, stride, groups=inner)
        self._bn1 = nn.BatchNorm2d(inner, eps=EPSILON)
        self._project_conv = SameConv(inner, outputs, 1)
        self._bn2 = nn.BatchNorm2d(outputs, eps=EPSILON)

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu6(self._bn0(self._expand_conv(x)), inplace=True) if self.expands else x
        y = F.relu6(self._bn1(self._depthwise_conv(y)), inplace=True)
        y = self._bn2(self._project_conv(y))
        return x + y if self.skips else y


class EfficientNetLite0(nn.Module):
    """Images (N, 3, H, W), (pixel - 127) / 128 -> features (N, 1280); `head` gives the logits of ImageNet's 1000 classes."""

    def __init__(self) -> None:
        super().__init__()
        self._conv_stem = SameConv(3, 32, 3, 2)
        self._bn0 = nn.BatchNorm2d(32, eps=EPSILON)
        self._blocks = nn.ModuleList()
        channels = 32
        for repeats, kernel, stride, expansion, outputs in STAGES:
            for repeat in range(repeats):
                self._blocks.append(MBConvBlock(channels, outputs, kernel, stride if repeat == 0 else 1, expansion))
                channels = outputs
        self._conv_head = SameConv(channels, DIM, 1)
        self._bn1 = nn.BatchNorm2d(DIM, eps=EPSILON)
        self._fc = nn.Linear(DIM, 1000)

    def features(self, image: Tensor) -> Tensor:
        """Images (N, 3, S, S) -> (N, 1280)."""
        x = F.relu6(self._bn0(self._conv_stem(image)), inplace=True)
        for block in self._blocks:
            x = block(x)
        return F.relu6(self._bn1(self._conv_head(x)), inplace=True).mean(dim=(2, 3))

    def head(self, features: Tensor) -> Tensor:
        """Features (N, 1280) -> logits (N, 1000)."""
        return self._fc(features)

    def forward(self, image: Tensor) -> Tensor:
        return self.head(self.features(image))
