"""Residual classifiers for small images (He et al. 2016): blocks of two 3x3 convolutions, the first stage at full size."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from sparring.model.backbone.base import Backbone


class ResNet(Backbone):
    """3x3 stem, stages of `blocks` blocks at `width` times 1, 2, 4, ... channels, each stage at half the size; mean, linear.

    Args:
        width: channels of the first stage. blocks: number of blocks per stage.
    """

    def __init__(self, *, channels: int, num_classes: int, width: int, blocks: Sequence[int]) -> None:
        super().__init__()
        layers: list[nn.Module] = [_convolution(channels, width), nn.BatchNorm2d(width), nn.ReLU()]
        before = width
        for stage, count in enumerate(blocks):
            after = width * 2**stage
            for number in range(count):
                layers.append(BasicBlock(before, after, stride=2 if stage and number == 0 else 1))
                before = after
        self.layers = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.features_dim = before
        self.head = nn.Linear(before, num_classes)
        self.layers.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def features(self, image: Tensor) -> Tensor:
        return self.layers(image)


class BasicBlock(nn.Module):
    """relu(x + BN conv relu BN conv x); where size or width change, x passes a 1x1 convolution and BN (option B).

    Shapes: (N, before, H, W) -> (N, after, H / stride, W / stride).
    """

    def __init__(self, before: int, after: int, *, stride: int) -> None:
        super().__init__()
        self.residual = nn.Sequential(
            _convolution(before, after, stride=stride), nn.BatchNorm2d(after), nn.ReLU(),
            _convolution(after, after), nn.BatchNorm2d(after),
        )  # fmt: skip
        self.shortcut = (
            nn.Identity()
            if before == after and stride == 1
            else nn.Sequential(Pointwise(before, after, step=stride), nn.BatchNorm2d(after))
        )

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.shortcut(x) + self.residual(x))


class PreBlock(nn.Module):
    """x + conv relu BN conv relu BN x (He et al. 2016b, pre-activation); where shapes differ, the activated x is projected.

    Shapes: (N, before, H, W) -> (N, after, H / stride, W / stride).
    """

    def __init__(self, before: int, after: int, *, stride: int) -> None:
        super().__init__()
        self.activate = nn.Sequential(nn.BatchNorm2d(before), nn.ReLU())
        self.residual = nn.Sequential(
            _convolution(before, after, stride=stride), nn.BatchNorm2d(after), nn.ReLU(), _convolution(after, after)
        )
        changed = before != after or stride != 1
        self.shortcut = Pointwise(before, after, step=stride) if changed else None

    def forward(self, x: Tensor) -> Tensor:
        activated = self.activate(x)
        return (x if self.shortcut is None else self.shortcut(activated)) + self.residual(activated)


class Pointwise(nn.Conv2d):
    """1x1 convolution of every `step`-th pixel.

    Equal to one with that stride, whose backward pass in torch 2.13 corrupts memory on the CPU: channels_last, 4 or 8
    channels, images of 64 pixels and more.
    """

    def __init__(self, before: int, after: int, *, step: int) -> None:
        super().__init__(before, after, 1, bias=False)
        nn.init.kaiming_normal_(self.weight, mode="fan_out", nonlinearity="relu")
        self.step = step

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x[:, :, :: self.step, :: self.step])


def _convolution(before: int, after: int, *, stride: int = 1) -> nn.Conv2d:
    layer = nn.Conv2d(before, after, 3, stride=stride, padding=1, bias=False)
    nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
    return layer
