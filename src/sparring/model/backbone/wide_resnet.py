"""Wide residual network WRN-depth-width (Zagoruyko and Komodakis 2016, table 1), without dropout."""

import torch
from torch import Tensor, nn

from sparring.core.errors import ConfigError
from sparring.model.backbone.base import Backbone
from sparring.model.backbone.shared.residual import PreBlock


class WideResNet(Backbone):
    """Stem of 16 channels, then three stages of (depth - 4) / 6 pre-activation blocks at 16, 32 and 64 times `width`.

    Args:
        depth: convolutions, 6 n + 4. width: the paper's k.

    Raises:
        ConfigError: another depth.
    """

    def __init__(self, *, channels: int, num_classes: int, depth: int, width: int) -> None:
        super().__init__()
        blocks, rest = divmod(depth - 4, 6)
        if blocks < 1 or rest:
            raise ConfigError(f"model.backbone.depth={depth} must be 6 n + 4: give 10, 16, 22, 28, 34, 40, ...")
        layers: list[nn.Module] = [nn.Conv2d(channels, 16, 3, padding=1, bias=False)]
        before = 16
        for stage, after in enumerate((16 * width, 32 * width, 64 * width)):
            for number in range(blocks):
                layers.append(PreBlock(before, after, stride=2 if stage and number == 0 else 1))
                before = after
        layers += [nn.BatchNorm2d(before), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
        self.layers = nn.Sequential(*layers)
        self.features_dim = before
        self.head = nn.Linear(before, num_classes)
        self.layers.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def features(self, image: Tensor) -> Tensor:
        return self.layers(image)
