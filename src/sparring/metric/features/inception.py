"""The features of published FIDs: Inception-v3 of 2015-12-05 behind TensorFlow 1's resize."""

from typing import Any

import torch
from torch import Tensor, nn

from sparring.metric.features.base import PublishedFeatures, three_channels
from sparring.metric.network.inception_v3 import DIM, InceptionV3
from sparring.metric.network.pretrained import Published
from sparring.metric.network.resize import tf1_bilinear

PUBLISHED = Published(
    file_name="pt_inception-2015-12-05-6726825d.pth",
    url="https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/weights-inception-2015-12-05-6726825d.pth",
    sha256="6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2",
)
SIZE = 299


class Inception(PublishedFeatures):
    """2048 pooled features and 1008 logits without bias, as in torch-fidelity and pytorch-fid.

    `standard` holds only for the published weights: with others the distance is called fd_inception.

    Args:
        path: file of the weights; None takes the cached file or downloads it (95 MB).
        cache_dir: where downloaded weights are kept.
        batch_size: images per forward pass.
    """

    name = "inception"
    published = PUBLISHED
    num_classes = 1008

    def __init__(self, *, path: str | None, cache_dir: str, batch_size: int) -> None:
        super().__init__(path=path, cache_dir=cache_dir, batch_size=batch_size)
        self.dim = DIM

    @property
    def standard(self) -> bool:  # type: ignore[override]
        return self.sha256 == PUBLISHED.sha256

    def protocol(self) -> dict[str, Any]:
        return {
            "features": self.name, "weights": self.sha256, "resize": f"TensorFlow 1 bilinear, not antialiased, {SIZE}",
            "channels": "one channel repeated to three", "range": "(pixel - 128) / 128",
        }  # fmt: skip

    def _empty(self) -> nn.Module:
        return InceptionV3().to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def _extract(self, image: Tensor) -> tuple[Tensor, Tensor]:
        pixels = tf1_bilinear(three_channels(image, self.name).float(), SIZE)
        network = self.network
        assert isinstance(network, InceptionV3)
        features = network.features(pixels.sub_(128).div_(128).contiguous(memory_format=torch.channels_last))
        return features, network.head(features)
