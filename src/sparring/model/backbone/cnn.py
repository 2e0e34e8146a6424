"""Small convolutional classifier for two CPU cores: about 100,000 parameters at width 32."""

import torch
from torch import Tensor, nn

from sparring.model.backbone.base import Backbone


class CNN(Backbone):
    """[3x3 convolution, BatchNorm, ReLU] of `width`, 2 and 4 times that, 2x2 max pooling after the first two, mean, linear.

    Args:
        width: channels of the first convolution.
    """

    def __init__(self, *, channels: int, num_classes: int, width: int) -> None:
        super().__init__()
        self.blocks = nn.Sequential(
            *_block(channels, width), nn.MaxPool2d(2), *_block(width, 2 * width), nn.MaxPool2d(2),
            *_block(2 * width, 4 * width), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        )  # fmt: skip
        self.features_dim = 4 * width
        self.head = nn.Linear(self.features_dim, num_classes)
        self.blocks.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # 1.35 to 1.6 times faster on a CPU

    def features(self, image: Tensor) -> Tensor:
        return self.blocks(image)


def _block(before: int, after: int) -> list[nn.Module]:
    return [nn.Conv2d(before, after, 3, padding=1, bias=False), nn.BatchNorm2d(after), nn.ReLU()]
