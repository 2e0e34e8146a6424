"""STL-10's binary files: 3 * 96 * 96 bytes per image, each colour plane column by column; labels 1..10."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from sparring.core.errors import DataError
from sparring.data.reading.format import Files
from sparring.data.reading.format.archive import contents, locate
from sparring.data.reading.source import Chunk, slices

SHAPE = (3, 96, 96)
NAMES = {"train": ("train_X.bin", "train_y.bin"), "test": ("test_X.bin", "test_y.bin")}


class Stl:
    """STL-10, the labelled images."""

    description = "stl10_binary.tar.gz or its files train_X.bin, train_y.bin, test_X.bin, test_y.bin"

    def find(self, path: Path) -> Files | None:
        files = locate(path, NAMES["train"] + NAMES["test"], "stl10_binary", "stl10_binary.tar.gz")
        if files is None:
            return None
        if len(files) == 1:
            return {"train": files, "test": files}
        return {"train": files[:2], "test": files[2:]}

    def read(self, files: Files) -> Iterator[Chunk]:
        for split, names in NAMES.items():
            (where, pixels), (_, labels) = contents(files[split], names)
            if len(pixels) != len(labels) * np.prod(SHAPE):
                raise DataError(f"{where} is truncated: {len(pixels)} bytes for {len(labels)} labels; get it again.")
            image = np.frombuffer(pixels, np.uint8).reshape(-1, *SHAPE).transpose(0, 1, 3, 2)
            yield from slices(split, image, np.frombuffer(labels, np.uint8).astype(np.int64) - 1, where)
