"""DINOv2 ViT-S/14 features (Oquab et al. 2023), which agree with people's judgement better (Stein et al. 2023)."""

from typing import Any

import torch
from torch import Tensor, nn

from sparring.core.errors import ConfigError
from sparring.metric.features.base import PublishedFeatures, three_channels
from sparring.metric.network.pretrained import Published
from sparring.metric.network.resize import bicubic
from sparring.metric.network.vit import VisionTransformer

PUBLISHED = Published(
    file_name="dinov2_vits14_pretrain.pth",
    url="https://dl.fbaipublicfiles.com/dinov2/dinov2_vits14/dinov2_vits14_pretrain.pth",
    sha256="b938bf1bc15cd2ec0feacfe3a1bb553fe8ea9ca46a7e1d8d00217f29aef60cd9",
)
DIM, PATCH = 384, 14
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class DinoV2(PublishedFeatures):
    """The normalised class token, 384 features.

    Args:
        path: file of the weights; None takes the cached file or downloads it (88 MB).
        cache_dir: where downloaded weights are kept.
        image_size: pixels that images are resized to, a multiple of 14.
        batch_size: images per forward pass.

    Raises:
        ConfigError: an image size that the patches do not divide.
    """

    name = "dinov2"
    published = PUBLISHED

    def __init__(self, *, path: str | None, cache_dir: str, image_size: int, batch_size: int) -> None:
        super().__init__(path=path, cache_dir=cache_dir, batch_size=batch_size)
        if image_size < PATCH or image_size % PATCH:
            raise ConfigError(
                f"metric.features.image_size={image_size} is no multiple of the patch of {PATCH} pixels: give 224, for example."
            )
        self.image_size, self.dim = image_size, DIM

    def protocol(self) -> dict[str, Any]:
        return {
            "features": self.name, "weights": self.sha256, "resize": f"bicubic, antialiased, in floats, {self.image_size}",
            "channels": "one channel repeated to three", "range": "ImageNet mean and deviation",
        }  # fmt: skip

    def _empty(self) -> nn.Module:
        return VisionTransformer(dim=DIM, depth=12, heads=6, patch=PATCH, grid=37)

    def _extract(self, image: Tensor) -> tuple[Tensor, None]:
        pixels = bicubic(three_channels(image, self.name).float(), self.image_size).div_(255)
        mean, deviation = (torch.tensor(row, device=pixels.device).view(3, 1, 1) for row in (MEAN, DEVIATION))
        network = self.network
        assert isinstance(network, VisionTransformer)
        return network.features(pixels.sub_(mean).div_(deviation)), None
