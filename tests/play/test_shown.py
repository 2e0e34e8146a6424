"""Pictures for a browser."""

import io

import torch
from PIL import Image

from sparring.play.shown import RECIPE, enlarged, png, tiled


def test_an_image_is_enlarged_by_a_whole_factor() -> None:
    image = torch.tensor([[[[0, 255], [10, 20]]]], dtype=torch.uint8)
    large = enlarged(image, 5)
    assert large.shape == (6, 6, 3)
    assert large[:3, 3:].min() == 255
    assert large[5, 5].tolist() == [20, 20, 20]


def test_points_become_their_density() -> None:
    points = torch.full((50, 2, 1, 1), 128, dtype=torch.uint8)
    assert enlarged(points, 100).shape == tiled(points, 5).shape == (256, 256, 3)


def test_a_png_carries_its_recipe() -> None:
    image = torch.arange(12, dtype=torch.uint8).view(3, 2, 2)
    with Image.open(io.BytesIO(png(image, "generate run=x"))) as saved:
        assert saved.text[RECIPE] == "generate run=x"  # type: ignore[attr-defined]
        assert saved.getpixel((1, 0)) == (1, 5, 9)
