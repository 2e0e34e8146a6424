"""Images of visitors: files, drawings, and what is neither."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from sparring.core.errors import DataError
from sparring.play.incoming import from_canvas, from_file

GREY = (1, 8, 8)


def test_a_file_becomes_the_centred_square_in_the_colours_of_the_network(tmp_path: Path) -> None:
    pixels = np.zeros((16, 32, 3), np.uint8)
    pixels[:, 8:24] = 200
    Image.fromarray(pixels).save(tmp_path / "a.png")
    assert torch.equal(from_file(tmp_path / "a.png", GREY), torch.full((1, *GREY), 200, dtype=torch.uint8))
    assert from_file(tmp_path / "a.png", (3, 8, 8)).shape == (1, 3, 8, 8)


@pytest.mark.parametrize("content", [b"", b"no image", b"\x89PNG\r\n\x1a\n\0\0", b"%!PS\n(/etc/passwd) run"])
def test_a_file_that_is_no_image_gets_one_sentence(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(DataError, match=r"^a\.png is no image that can be read; give a PNG, JPEG or WebP file\.$"):
        from_file(tmp_path / "a.png", GREY)


def test_a_drawing_is_cut_to_its_ink_and_turned_round() -> None:
    canvas = np.zeros((100, 100, 4), np.uint8)
    canvas[70:90, 10:14] = (0, 0, 0, 255)  # a stroke in a corner
    drawn = from_canvas(canvas, GREY, dark=True)[0, 0]
    assert drawn[:, 3:5].float().mean() > 100  # now in the middle, light on dark
    assert drawn[:, [0, 1, 6, 7]].max() < 30
    assert drawn[3:5, 3:5].min() > 100
    light = from_canvas(canvas, GREY, dark=False)[0, 0]
    assert light[0, 0] > 225
    assert light[4, 4] < 150


def test_an_empty_canvas_is_said_to_be_empty() -> None:
    for canvas in (np.zeros((50, 50, 4), np.uint8), np.full((50, 50, 3), 255, np.uint8)):
        with pytest.raises(DataError, match="Nothing is drawn yet"):
            from_canvas(canvas, GREY, dark=True)
