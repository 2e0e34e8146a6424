"""What `decode.py` states about conversion, against Pillow and numpy, and what it says about files that are no images."""

import io
import os
import struct
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sparring.core.errors import DataError
from sparring.data.reading.decode import Decoder
from sparring.data.reading.depth import DepthUnknown, measured_range
from sparring.data.reading.source import Encoded, Pixels


def decode(*data: bytes | Path, skip: bool = False, **given: Any) -> tuple[np.ndarray, np.ndarray, list[str]]:
    base: dict[str, Any] = {
        "channels": 3, "image_size": 4, "resize": "bicubic", "native_channels": None, "native_size": None,
    }  # fmt: skip
    decoder = Decoder(**{**base, **given}, on_error="skip" if skip else "fail")
    names = [f"image{i}" for i in range(len(data))]
    with ThreadPoolExecutor(2) as pool:
        return decoder(Encoded("train", list(data), np.arange(len(data)), names), pool)


def png(array: np.ndarray, **options: Any) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, "PNG", **options)
    return buffer.getvalue()


def rgb(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_colour_stays_and_is_channel_first() -> None:
    array = rgb(4, 4)
    assert (decode(png(array))[0][0] == array.transpose(2, 0, 1)).all()


def test_grey_to_colour_repeats_and_colour_to_grey_is_luma() -> None:
    array = rgb(4, 4)
    assert (decode(png(array[..., 0]))[0][0] == array[..., 0]).all()
    luma = (array @ [0.299, 0.587, 0.114]).round()
    assert np.abs(decode(png(array), channels=1)[0][0, 0] - luma).max() <= 1


def test_transparency_is_laid_over_white() -> None:
    array = np.zeros((4, 4, 4), dtype=np.uint8)
    array[:2, :, 3] = 255  # opaque black above, invisible black below
    image = decode(png(array))[0][0]
    assert (image[:, :2] == 0).all()
    assert (image[:, 2:] == 255).all()


def test_palette_with_a_transparent_colour() -> None:
    image = Image.fromarray(np.array([[0, 1]] * 4, dtype=np.uint8).repeat(2, axis=1), "P")
    image.putpalette([10, 20, 30, 0, 0, 0])
    buffer = io.BytesIO()
    image.save(buffer, "PNG", transparency=1)
    got = decode(buffer.getvalue())[0][0]
    assert got[:, 0, 0].tolist() == [10, 20, 30]
    assert got[:, 0, 3].tolist() == [255, 255, 255]


def test_sixteen_bit_grey_is_scaled_not_clipped() -> None:
    array = np.array([[0, 255, 256, 65535]] * 4, dtype=np.uint16)
    assert decode(png(array), channels=1, value_range=65535)[0][0, 0, 0].tolist() == [0, 0, 1, 255]
    assert decode(png(array), channels=1, value_range=255)[0][0, 0, 0].tolist() == [0, 255, 255, 255]
    with pytest.raises(DepthUnknown):
        decode(png(array), channels=1)


@pytest.mark.parametrize(
    ("largest", "expected"), [(200, 255), (1000, 1023), (4095, 4095), (4096, 16383), (65535, 65535)]
)
def test_the_range_of_deep_images_is_that_of_the_fewest_bits_that_hold_all(largest: int, expected: int) -> None:
    images = [png(np.full((4, 4), value, dtype=np.uint16)) for value in (1, largest)]
    assert measured_range([Encoded("train", images, np.arange(2), ["a", "b"])]) == expected


def test_mixed_depths_are_refused_by_name() -> None:
    images = [png(np.full((4, 4), 9, dtype=kind)) for kind in (np.uint16, np.uint8)]
    with pytest.raises(DataError, match=r"deep has 16 bits and flat has 8.*data\.value_range="):
        measured_range([Encoded("train", images, np.arange(2), ["deep", "flat"])])


def test_a_program_in_a_picture_s_clothes_is_not_run(tmp_path: Path) -> None:
    file = tmp_path / "x.png"
    file.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 4 4\n(/tmp/written) (w) file closefile showpage\n")
    for data in (file, file.read_bytes()):
        with pytest.raises(DataError, match="does not decode as an image"):
            decode(data)
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(DataError, match="no regular file"):  # and does not wait for a writer
        decode(tmp_path / "pipe.png")


def test_largest_centred_square_is_resized_with_the_named_filter() -> None:
    array = rgb(8, 12)
    for name, filter_ in (("bicubic", Image.Resampling.BICUBIC), ("box", Image.Resampling.BOX)):
        expected = np.asarray(Image.fromarray(array[:, 2:10]).resize((4, 4), filter_)).transpose(2, 0, 1)
        assert (decode(png(array), resize=name)[0][0] == expected).all()


def test_arrays_are_resized_like_files() -> None:
    array = rgb(8, 8)
    decoder = Decoder(3, 4, "lanczos", 3, 8, "fail")
    with ThreadPoolExecutor(1) as pool:
        image, _, _ = decoder(Pixels("train", array.transpose(2, 0, 1)[None], np.zeros(1), "array"), pool)
    assert (image == decode(png(array), resize="lanczos")[0]).all()


def test_camera_orientation_is_applied() -> None:
    array, exif = rgb(4, 4), Image.Exif()
    exif[0x0112] = 6  # stored turned by 90 degrees counter-clockwise
    assert (decode(png(array, exif=exif))[0][0] == np.rot90(array, -1).transpose(2, 0, 1)).all()


def bomb() -> bytes:
    """A 1-bit PNG that is small on disk and 40000x20000 pixels in memory."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">2I5B", 40000, 20000, 1, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    )


BROKEN = {
    "truncated": png(rgb(64, 64))[:3000],
    "html": b"<!DOCTYPE html><html><body>quota exceeded</body></html>",
    "empty": b"",
    "bomb": bomb(),
    "float": None,
}


@pytest.mark.parametrize("kind", BROKEN)
def test_what_does_not_decode_is_named_or_left_out(kind: str) -> None:
    broken = BROKEN[kind]
    if broken is None:
        buffer = io.BytesIO()
        Image.fromarray(np.zeros((4, 4), dtype=np.float32)).save(buffer, "TIFF")
        broken = buffer.getvalue()
    good = png(rgb(4, 4))
    with pytest.raises(DataError, match=r"image1 does not decode as an image .*data\.on_error=skip"):
        decode(good, broken, good)
    image, label, bad = decode(good, broken, good, skip=True)
    assert image.shape == (2, 3, 4, 4)
    assert label.tolist() == [0, 2]
    assert len(bad) == 1


def test_limit_is_below_pillows_own() -> None:
    wide = png(np.zeros((2**13, 2**13 + 1), dtype=bool))
    with pytest.raises(DataError, match="8193x8192 pixels, the limit is 67108864"):
        decode(wide)


def test_named_data_sets_refuse_other_sizes_and_channels_even_when_skipping() -> None:
    with pytest.raises(DataError, match="image0 has 3 channels and 5x4 pixels where this data set has 3 and 4x4"):
        decode(png(rgb(4, 5)), native_channels=3, native_size=4, skip=True)
    with pytest.raises(DataError, match="image0 has 1 channels and 4x4 pixels where this data set has 3"):
        decode(png(rgb(4, 4)[..., 0]), native_channels=3, native_size=4)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="image0 does not decode"):
        decode(tmp_path / "gone.png")
