"""The range of images with more than 8 bits: files say 16 bits and often hold 8, 10 or 12. One scale for a whole data set."""

from collections.abc import Iterable

import numpy as np
from PIL import Image

from sparring.core.errors import DataError
from sparring.data.reading.image_file import UNREADABLE, open_image
from sparring.data.reading.source import Chunk, Encoded

BITS = (8, 10, 12, 14, 16)


class DepthUnknown(Exception):
    """An image with more than 8 bits was met by a decoder that has no range for it."""


def is_deep(image: Image.Image) -> bool:
    """Whether a grey image has more than 8 bits per pixel."""
    return image.mode.startswith("I")


def to_8_bits(pixels: np.ndarray, value_range: int) -> np.ndarray:
    """Integers 0..value_range as uint8 0..255: floor(256 x / (value_range + 1)), larger ones 255."""
    return (pixels.astype(np.int64) * 256 // (value_range + 1)).clip(0, 255).astype(np.uint8)


def measured_range(chunks: Iterable[Chunk]) -> int:
    """The largest value of the fewest bits (8, 10, 12, 14, 16) that hold every pixel of the deep images in `chunks`.

    Raises:
        DataError: images of 8 bits and deeper ones are mixed, so that no one scale is right for both.
    """
    largest, deep, shallow = 0, "", ""
    for chunk in chunks:
        for data, name in zip(chunk.data, chunk.name, strict=True) if isinstance(chunk, Encoded) else ():
            try:
                with open_image(data) as image:
                    if is_deep(image):
                        deep, largest = deep or name, max(largest, int(np.asarray(image).max()))
                    else:
                        shallow = shallow or name
            except UNREADABLE:
                continue  # the decoder says what is wrong with it
    if deep and shallow:
        raise DataError(
            f"{deep} has 16 bits and {shallow} has 8, which need different scales: convert them to one depth, or set"
            " data.value_range=<largest value of the 16-bit images>, such as 4095 for 12 bits."
        )
    return 2 ** next((bits for bits in BITS if largest < 2**bits), BITS[-1]) - 1
