"""MNIST's IDX files, with or without gzip: `train-images-idx3-ubyte[.gz]` and its three companions."""

import gzip
import math
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from sparring.core.errors import DataError
from sparring.data.reading.format import Files, check_unpacked
from sparring.data.reading.source import Chunk, slices

PREFIX = {"train": "train", "test": "t10k"}


class Idx:
    """Grey images and labels of MNIST and of data sets in its format."""

    description = "{train,t10k}-{images-idx3,labels-idx1}-ubyte[.gz]"

    def find(self, path: Path) -> Files | None:
        files = {
            split: [_file(path, prefix, kind) for kind in ("images", "labels")] for split, prefix in PREFIX.items()
        }
        present = {split: [file for file in pair if file is not None] for split, pair in files.items()}
        if not any(present.values()):
            return None
        if len(present["train"]) < 2 or len(present["test"]) == 1:
            raise DataError(f"{path} holds only some of the IDX files {self.description}: add the missing ones.")
        return {split: pair for split, pair in present.items() if pair}

    def read(self, files: Files) -> Iterator[Chunk]:
        for split, (images, labels) in files.items():
            image, label = read_idx(images, dimensions=3), read_idx(labels, dimensions=1)
            if len(image) != len(label):
                raise DataError(
                    f"{images} holds {len(image)} images but {labels} {len(label)} labels: one is incomplete."
                )
            yield from slices(split, image[:, None], label, str(images))


def _file(path: Path, prefix: str, kind: str) -> Path | None:
    names = [f"{prefix}-{kind}{dot}idx{3 if kind == 'images' else 1}-ubyte" for dot in "-."]
    folders = (path, path / "MNIST" / "raw", path / "FashionMNIST" / "raw", path / "raw")  # torchvision's layouts
    candidates = (folder / f"{name}{suffix}" for folder in folders for name in names for suffix in ("", ".gz"))
    return next((file for file in candidates if file.is_file()), None)


def read_idx(file: Path, *, dimensions: int) -> np.ndarray:
    """uint8 array of an IDX file with that many dimensions; DataError if it is truncated or no IDX file."""
    offset = 4 * (dimensions + 1)
    try:
        with gzip.open(file) if file.suffix == ".gz" else file.open("rb") as stream:
            magic, *shape = struct.unpack(f">{dimensions + 1}I", stream.read(offset))
            if magic != 0x800 + dimensions:
                raise DataError(
                    f"{file} starts with {magic:#x}, not {0x800 + dimensions:#x} as IDX files of {dimensions} dimensions do."
                )
            size = math.prod(shape)
            check_unpacked(size, file)
            data = stream.read(size + 1)  # never more than the header says: a small file may unpack to terabytes
    except (OSError, EOFError, zlib.error, struct.error) as error:
        raise DataError(f"{file} is no readable IDX file or is truncated ({error}): get it again.") from error
    if len(data) != size:
        held = "more" if len(data) > size else str(len(data))
        raise DataError(f"{file} holds {held} bytes where its header says {'x'.join(map(str, shape))}: get it again.")
    return np.frombuffer(data, np.uint8).reshape(shape)
