import io

import numpy as np
import pytest
import torch
from PIL import Image

from sparring.core.picture import BACKGROUND, encode_png, enlargement, grid, grid_of_rows, write_png
from sparring.core.pixels import to_uint8


def test_to_uint8_rounds_and_clamps() -> None:
    x = torch.tensor([-1.0, 1.0, -2.0, 7.0, 0.0, 1 / 255, -1 + 0.9 / 127.5])
    # 0.0 is 127.5, the tie goes to the even neighbour; 1/255 is exactly 128; 0.9 rounds up where truncation gives 0.
    assert to_uint8(x).tolist() == [0, 255, 0, 255, 128, 128, 1]
    assert to_uint8(x).dtype == torch.uint8


def test_to_uint8_inverts_the_normalisation_and_leaves_its_input() -> None:
    every_byte = torch.arange(256)
    x = every_byte.float() / 127.5 - 1
    before = x.clone()
    assert torch.equal(to_uint8(x).long(), every_byte)
    assert torch.equal(x, before)
    assert torch.equal(to_uint8(x.double()).long(), every_byte)


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_grid_places_every_image(channels: int) -> None:
    images = torch.randint(0, 256, (5, channels, 3, 4), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    picture = grid(images, columns=2, scale=3, gap=1)
    assert picture.shape == (1 + 3 * (9 + 1), 1 + 2 * (12 + 1), channels)
    for i, image in enumerate(images):
        top, left = 1 + i // 2 * 10, 1 + i % 2 * 13
        enlarged = picture[top : top + 9, left : left + 12]
        assert np.array_equal(enlarged[1::3, 1::3], image.permute(1, 2, 0).numpy())  # centre of every 3x3 square
        assert np.array_equal(enlarged, np.kron(enlarged[::3, ::3], np.ones((3, 3, 1), dtype=np.uint8)))
    assert (picture[-10:-1, 14:-1, : min(channels, 3)] == BACKGROUND).all()  # the sixth cell is empty


@pytest.mark.parametrize(("channels", "drawn"), [(2, 1), (5, 3), (12, 3)])
def test_other_channel_numbers_are_drawn_by_their_first(channels: int, drawn: int) -> None:
    images = torch.arange(channels, dtype=torch.uint8).view(1, channels, 1, 1).expand(1, channels, 2, 2)
    picture = grid(images, columns=1, scale=1, gap=0)
    assert picture[0, 0].tolist() == list(range(drawn))


def test_small_images_are_enlarged_by_an_integer() -> None:
    assert {size: enlargement(size) for size in (8, 16, 28, 32, 64, 128)} == {8: 6, 16: 3, 28: 2, 32: 2, 64: 1, 128: 1}
    assert grid(torch.zeros(1, 1, 8, 8, dtype=torch.uint8), columns=1, gap=0).shape == (48, 48, 1)


def test_rows_of_unequal_length_and_labels() -> None:
    rows = [torch.full((n, 3, 8, 8), 255, dtype=torch.uint8) for n in (2, 0, 3)]
    plain = grid_of_rows(rows, gap=2)
    labelled = grid_of_rows(rows, gap=2, row_labels=["zero", "t-shirt/top", "2"])
    strip = labelled[:, : labelled.shape[1] - plain.shape[1]]
    assert np.array_equal(labelled[:, strip.shape[1] :], plain)
    assert (plain[52:100] == BACKGROUND).all()
    for top in (2, 52, 102):  # every label has ink next to its own row, inside the strip
        assert (strip[top : top + 48] > 150).any()
    assert (strip[:, :3] == BACKGROUND).all()


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        (lambda: grid(torch.zeros(0, 1, 2, 2, dtype=torch.uint8), columns=1), "at least one image"),
        (lambda: grid(torch.zeros(1, 1, 2, 2), columns=1), "uint8"),
        (lambda: grid(torch.zeros(1, 1, 2, 2, dtype=torch.uint8), columns=0), "column"),
        (lambda: grid(torch.zeros(1, 1, 2, 2, dtype=torch.uint8), columns=1, row_labels=["a", "b"]), "labels"),
        (lambda: encode_png(np.zeros((2, 2, 5), dtype=np.uint8)), "1 to 4"),
    ],
)
def test_misuse_is_named(call, reason: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match=reason):
        call()


@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (2, "LA"), (3, "RGB"), (4, "RGBA")])
def test_png_is_lossless(channels: int, mode: str, tmp_path) -> None:  # type: ignore[no-untyped-def]
    image = np.random.default_rng(0).integers(0, 256, (5, 7, channels), dtype=np.uint8)
    write_png(tmp_path / "a.png", image)
    read = Image.open(io.BytesIO((tmp_path / "a.png").read_bytes()))
    assert read.mode == mode
    assert np.array_equal(np.asarray(read).reshape(image.shape), image)
    assert [file.name for file in tmp_path.iterdir()] == ["a.png"]
