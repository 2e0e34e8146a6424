"""Image files of any size and kind, one after the other: a file, a folder, or the images of a parquet file."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from sparring.core.errors import DataError
from sparring.data.reading.format.parquet import Parquet
from sparring.data.reading.image_file import UNREADABLE, image_files, open_image


class NamedPicture(NamedTuple):
    """name: where it is from, and a relative path to write it to. pixels: (H, W, 1 to 4) uint8."""

    source: str
    name: Path
    pixels: np.ndarray


def pictures_of(path: Path) -> Iterator[NamedPicture]:
    """The images of a file, of a folder and its sub-folders, or of a parquet file.

    Raises:
        DataError: there are none, or one cannot be read.
    """
    if not path.exists():
        raise DataError(f"images={path} does not exist; give an image file, a folder, or a parquet file.")
    if path.is_file() and path.suffix == ".parquet":
        yield from _of_parquet(path)
        return
    files = [path] if path.is_file() else image_files(path)
    if not files:
        raise DataError(
            f"images={path} holds no image files; give an image file, a folder with some, or a parquet file."
        )
    for file in files:
        name = Path(file.name) if path.is_file() else file.relative_to(path)
        yield NamedPicture(str(file), name.with_name(f"{name.name}.png"), _pixels(file, str(file)))


def _of_parquet(path: Path) -> Iterator[NamedPicture]:
    row = 0
    for chunk in Parquet(label_columns=()).read({"train": [path]}):
        for data, source in zip(chunk.data, chunk.name, strict=True):
            yield NamedPicture(source, Path(f"{row:06d}.png"), _pixels(data, source))
            row += 1


def _pixels(data: bytes | Path, source: str) -> np.ndarray:
    try:
        with open_image(data) as image:
            mode = {"L": "L", "1": "L", "LA": "LA", "RGB": "RGB", "RGBA": "RGBA"}.get(image.mode)
            if mode is None:
                mode = "RGBA" if "transparency" in image.info or image.mode in ("PA", "La", "RGBa") else "RGB"
            pixels = np.asarray(image.convert(mode))
    except UNREADABLE as error:
        raise DataError(f"{source} is no readable image ({error}); take it out, or give other images.") from error
    return pixels[:, :, None] if pixels.ndim == 2 else pixels
