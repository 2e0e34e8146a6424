"""Strip and film of a walk."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from sparring.generation.walk import Walk
from sparring.generation.walk_files import MILLISECONDS, REST, write_walk


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_a_strip_has_the_stops_and_a_film_goes_there_and_back(channels: int, tmp_path: Path) -> None:
    level = torch.arange(25, dtype=torch.uint8) * 10
    image = level.view(1, 25, 1, 1, 1).expand(2, 25, channels, 48, 48).clone()
    files = write_walk(tmp_path / "images", Walk("morph", image, (0, 12, 24)))
    assert files == {"morph": "morph.png", "morph_gif": "morph.gif"}
    strip = np.asarray(Image.open(tmp_path / "images" / "morph.png"))
    assert strip.shape[:2] == (2 + 2 * 50, 2 + 17 * 50)  # 9 columns of each half share the middle one
    middle = strip[26, 2 + 25 :: 50].reshape(17, -1)[:, 0].tolist()
    assert middle[::8] == [0, 120, 240]
    assert middle == sorted(middle)
    film = Image.open(tmp_path / "images" / "morph.gif")
    found = []
    for frame in range(film.n_frames):
        film.seek(frame)
        found.append((np.asarray(film.convert("L"))[26, 26], film.info["duration"]))
    assert film.n_frames == 48
    assert [duration for _, duration in found] == [
        REST if i in (0, 12, 24) else MILLISECONDS for i in [*range(25), *range(23, 0, -1)]
    ]
    levels = [int(value) for value, _ in found]
    assert levels[:25] == sorted(levels[:25])
    assert levels[24:] == sorted(levels[24:], reverse=True)


def test_few_frames_are_all_in_the_strip(tmp_path: Path) -> None:
    image = torch.zeros(1, 3, 1, 48, 48, dtype=torch.uint8)
    image[:, 1] = 128
    write_walk(tmp_path, Walk("interpolation", image, (0, 2)))
    assert Image.open(tmp_path / "interpolation.png").width == 2 + 3 * 50
