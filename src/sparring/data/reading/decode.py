"""Any image file or array to uint8 CHW of the size and channels asked for.

Conversion, stated once: EXIF orientation applied (folder, hub), transparency laid over white, deeper grey scaled by the range
of the whole data set, colour to grey by ITU-R 601 luma, grey to colour by repetition, the largest centred square cut out, then
resized in 8 bits by Pillow with the filter named `data.resize` (antialiased when shrinking).
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from PIL import Image, ImageOps

from sparring.core.errors import DataError, printable
from sparring.data.reading.depth import DepthUnknown, is_deep, to_8_bits
from sparring.data.reading.image_file import UNREADABLE, open_image
from sparring.data.reading.source import Chunk, Pixels

MAX_PIXELS = 2**26  # 64 Mpixel: far above any data set, far below a decompression bomb that fills memory
FILTERS = {name.lower(): Image.Resampling[name] for name in ("NEAREST", "BOX", "BILINEAR", "BICUBIC", "LANCZOS")}


@dataclass(frozen=True)
class Decoder:
    """Decodes chunks of a source.

    Args:
        channels, image_size: of the result, in pixels.
        resize: key of FILTERS.
        native_channels, native_size: what a named data set must contain; None: anything is converted.
        on_error: "fail" at an image that does not decode, or "skip" it.
        value_range: the largest value of grey images with more than 8 bits; None: they raise DepthUnknown.
    """

    channels: int
    image_size: int
    resize: str
    native_channels: int | None
    native_size: int | None
    on_error: Literal["fail", "skip"]
    value_range: int | None = None

    def __call__(self, chunk: Chunk, pool: ThreadPoolExecutor) -> tuple[np.ndarray, np.ndarray, list[str]]:
        """(n, C, S, S) uint8, (n,) int64, and a sentence for each image left out.

        Raises:
            DataError: an image that does not decode, or of another shape than the data set's.
        """
        if isinstance(chunk, Pixels):
            return self._pixels(chunk, pool), chunk.label, []
        results = _parallel(self._one, list(zip(chunk.data, chunk.name, strict=True)), pool)
        bad = [result for result in results if isinstance(result, str)]
        if bad and self.on_error == "fail":
            raise DataError(f"{bad[0]}; repair or remove it, or leave such images out with data.on_error=skip.")
        keep = [i for i, result in enumerate(results) if not isinstance(result, str)]
        image = np.stack([results[i] for i in keep]) if keep else np.empty((0, *self._shape()), np.uint8)
        return image, chunk.label[keep], bad

    def _shape(self) -> tuple[int, int, int]:
        return self.channels, self.image_size, self.image_size

    def _pixels(self, chunk: Pixels, pool: ThreadPoolExecutor) -> np.ndarray:
        _, channels, height, width = chunk.image.shape
        self._check(channels, (width, height), chunk.where)
        if (channels, height, width) == self._shape():
            return np.ascontiguousarray(chunk.image)
        rows = _parallel(lambda pixels: self._fit(_to_pillow(pixels)), list(chunk.image), pool)
        return np.stack(rows)

    def _one(self, item: tuple[bytes | Path, str]) -> np.ndarray | str:
        """The decoded image (C, S, S), or the sentence that says why it cannot be decoded."""
        data, name = item
        try:
            with open_image(data) as image:
                if image.width * image.height > MAX_PIXELS:
                    raise ValueError(f"{image.width}x{image.height} pixels, the limit is {MAX_PIXELS}")
                self._check(len(image.getbands()), image.size, name)
                if self.native_size is None:
                    ImageOps.exif_transpose(image, in_place=True)
                return self._fit(image)
        except UNREADABLE as error:
            return printable(f"{name} does not decode as an image ({type(error).__name__}: {error})")

    def _check(self, channels: int, size: tuple[int, int], name: str) -> None:
        expected = (self.native_channels or channels, self.native_size or size[0], self.native_size or size[1])
        if (channels, *size) != expected:
            raise DataError(
                f"{name} has {channels} channels and {size[0]}x{size[1]} pixels where this data set has {expected[0]}"
                f" and {expected[1]}x{expected[2]}: choose the data set that fits, or data=folder or data=hub for any."
            )

    def _fit(self, image: Image.Image) -> np.ndarray:
        """(C, S, S) uint8 of a Pillow image, by the conversion that the module states."""
        image = _to_mode(image, self.channels, self.value_range)
        if image.size != (self.image_size, self.image_size):
            side = min(image.size)
            left, top = (image.width - side) // 2, (image.height - side) // 2
            square = image.crop((left, top, left + side, top + side))  # resize(box=...) would let outside pixels in
            image = square.resize((self.image_size, self.image_size), FILTERS[self.resize])
        return np.asarray(image).reshape(self.image_size, self.image_size, self.channels).transpose(2, 0, 1)


def _to_mode(image: Image.Image, channels: int, value_range: int | None) -> Image.Image:
    mode = "RGB" if channels == 3 else "L"
    if image.mode == mode and "transparency" not in image.info:
        return image
    if is_deep(image):  # Pillow's own conversion would clip it at 255
        if value_range is None:
            raise DepthUnknown
        image = Image.fromarray(to_8_bits(np.asarray(image), value_range))
    if image.mode == "F":
        raise ValueError("floating-point pixels have no stated range")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image.convert(mode)


def _to_pillow(pixels: np.ndarray) -> Image.Image:
    """Pillow image of a (1 or 3, H, W) uint8 array."""
    return Image.fromarray(pixels[0] if len(pixels) == 1 else np.ascontiguousarray(pixels.transpose(1, 2, 0)))


def _parallel(function: Callable[[Any], Any], items: Sequence[Any], pool: ThreadPoolExecutor) -> list[Any]:
    """Ordered results. One task per 64 items: Pillow lets go of the GIL while it decodes, handing over does not."""
    blocks = [items[start : start + 64] for start in range(0, len(items), 64)]
    return [result for block in pool.map(lambda block: [function(item) for item in block], blocks) for result in block]
