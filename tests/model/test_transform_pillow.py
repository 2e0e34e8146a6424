"""Changes of pixels against Pillow's."""

from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, ImageEnhance, ImageOps
from torch import Tensor

from sparring.model.transform.math import pixel
from tests.model.pictures import N, pictures


def pillow(image: Tensor) -> Image.Image:
    array = ((image + 1) * 127.5).round().byte().permute(1, 2, 0).numpy()
    return Image.fromarray(array[..., 0] if len(image) == 1 else array)


def back(image: Image.Image) -> Tensor:
    array = torch.from_numpy(np.array(image)).float() / 127.5 - 1
    return array[None] if array.ndim == 2 else array.permute(2, 0, 1)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(
    ("change", "reference"),
    [
        (pixel.brightness, ImageEnhance.Brightness),
        (pixel.contrast, ImageEnhance.Contrast),
        (pixel.saturation, ImageEnhance.Color),
        (pixel.sharpness, ImageEnhance.Sharpness),
    ],
)
def test_enhancements_are_pillows(change: Any, reference: Any, channels: int) -> None:
    image, factor = pictures(channels), torch.linspace(0.1, 1.9, N)
    if channels == 1 and change is pixel.saturation:
        assert torch.equal(change(image, factor), image)
        return
    expected = torch.stack(
        [back(reference(pillow(one)).enhance(float(f))) for one, f in zip(image, factor, strict=True)]
    )
    # Pillow rounds the degenerate image and the result to 8 bits.
    assert (change(image, factor) - expected).abs().max() <= 2.05 / 127.5


@pytest.mark.parametrize("channels", [1, 3])
def test_other_pixel_changes_are_pillows(channels: int) -> None:
    image = pictures(channels)
    for bits in (1, 4, 8):
        expected = torch.stack([back(ImageOps.posterize(pillow(one), bits)) for one in image])
        torch.testing.assert_close(pixel.posterize(image, torch.full((N,), bits)), expected)
    expected = torch.stack([back(ImageOps.solarize(pillow(one), 100)) for one in image])
    torch.testing.assert_close(pixel.solarize(image, torch.full((N,), 100 / 127.5 - 1 - 1e-4)), expected)
    dim = image * 0.3  # 8-bit values no longer, but Pillow's look-up table rounds them
    dim = ((dim + 1) * 127.5).round() / 127.5 - 1
    expected = torch.stack([back(ImageOps.autocontrast(pillow(one))) for one in dim])
    assert (pixel.autocontrast(dim) - expected).abs().max() <= 1.05 / 127.5
    flat = torch.full((2, channels, 4, 4), 0.5)
    assert torch.equal(pixel.autocontrast(flat), flat)
