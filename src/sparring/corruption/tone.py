"""Tone, weather and coding. Images (N, C, H, W) float32 in [0, 1]."""

import io

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from sparring.core.randomness import uniform


def contrast(image: Tensor, strength: float, *key: int | str, index: Tensor) -> Tensor:
    """Differences from each image's mean become `strength` times as large."""
    mean = image.mean((1, 2, 3), keepdim=True)
    return (image - mean) * strength + mean


def brightness(image: Tensor, strength: float, *key: int | str, index: Tensor) -> Tensor:
    """Every value plus `strength`, cut at 1 when it is converted back to bytes."""
    return image + strength


def fog(image: Tensor, strength: float, *key: int | str, index: Tensor) -> Tensor:
    """A share `strength` of the light comes from a cloud, the same in all channels: noise of falling size, octave by octave."""
    size = image.shape[2:]
    cloud, weight, cells = torch.zeros_like(image[:, :1]), 0.0, 2
    while cells <= max(2, min(size) // 2):
        coarse = uniform(image.new_empty(len(image), 1, cells, cells), *key, cells, index=index)
        cloud = cloud + interpolate(coarse, size=size, mode="bilinear", align_corners=True) / cells
        weight, cells = weight + 1 / cells, 2 * cells
    return image * (1 - strength) + strength * (0.4 + 0.6 * cloud / weight)


def jpeg(image: Tensor, strength: float, *key: int | str, index: Tensor) -> Tensor:
    """JPEG of quality `strength` (1 to 95): RGB for 3 channels, else each channel on its own."""
    bytes_in = (image * 255).round().byte().cpu().numpy()
    coded = [
        _coded(one.transpose(1, 2, 0), int(strength)).transpose(2, 0, 1)
        if len(one) == 3
        else np.stack([_coded(channel, int(strength)) for channel in one])
        for one in bytes_in
    ]
    return torch.from_numpy(np.stack(coded)).to(image.device).float() / 255


def _coded(picture: np.ndarray, quality: int) -> np.ndarray:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(picture)).save(buffer, format="JPEG", quality=quality)
    with Image.open(buffer, formats=["JPEG"]) as image:
        return np.asarray(image).copy()
