"""CIFAR's own files: python pickles and binary batches, in their folder or tar archive.

Both hold 3072 bytes per image: the red plane row by row, then green, then blue.
"""

import io
import pickle
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sparring.core.errors import DataError
from sparring.data.reading.format import Files
from sparring.data.reading.format.archive import contents, locate
from sparring.data.reading.source import Chunk, slices

SHAPE = (3, 32, 32)
PIXELS = 3 * 32 * 32

# All that a pickled dict of lists and one uint8 array needs, as old and new numpy write it.
ALLOWED = {
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "_reconstruct"),
    ("numpy.core.numeric", "_frombuffer"),
    ("numpy._core.numeric", "_frombuffer"),
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
    ("_codecs", "encode"),
}


@dataclass(frozen=True)
class _Batches(ABC):
    """train, test: file names; folder, archive: where the original release keeps them."""

    train: tuple[str, ...]
    test: tuple[str, ...]
    folder: str
    archive: str

    @property
    def description(self) -> str:
        return f"{self.archive} or its files {self.train[0]}, ..., {self.test[0]}"

    def find(self, path: Path) -> Files | None:
        files = locate(path, self.train + self.test, self.folder, self.archive)
        if files is None:
            return None
        if len(files) == 1:
            return {"train": files, "test": files}
        return {"train": files[: len(self.train)], "test": files[len(self.train) :]}

    def read(self, files: Files) -> Iterator[Chunk]:
        for split, names in (("train", self.train), ("test", self.test)):
            for where, data in contents(files[split], names):
                yield from slices(split, *self.parse(data, where), where)

    @abstractmethod
    def parse(self, data: bytes, where: str) -> tuple[np.ndarray, np.ndarray]:
        """image (n, 3, 32, 32) uint8 and label (n,) of one file; DataError if it is broken."""


@dataclass(frozen=True)
class CifarBinary(_Batches):
    """Records of `label_bytes` labels, the last of which counts unless `label_index` says otherwise, and the pixels."""

    label_bytes: int = 1
    label_index: int = 0

    def parse(self, data: bytes, where: str) -> tuple[np.ndarray, np.ndarray]:
        record = self.label_bytes + PIXELS
        if not data or len(data) % record:
            raise DataError(f"{where} is truncated: {len(data)} bytes are no multiple of {record}; get it again.")
        rows = np.frombuffer(data, np.uint8).reshape(-1, record)
        return rows[:, self.label_bytes :].reshape(-1, *SHAPE), rows[:, self.label_index]


@dataclass(frozen=True)
class CifarPickle(_Batches):
    """Pickled dicts with `data` (n, 3072) uint8 and a list of labels under `label_key`."""

    label_key: str = "labels"

    def parse(self, data: bytes, where: str) -> tuple[np.ndarray, np.ndarray]:
        batch = restricted_load(data, where)
        if not isinstance(batch, dict):
            raise DataError(f"{where} holds a {type(batch).__name__} where CIFAR has a dict: get it again.")
        fields = {key.decode() if isinstance(key, bytes) else key: value for key, value in batch.items()}
        image, label = np.asarray(fields.get("data")), np.asarray(fields.get(self.label_key))
        if image.dtype != np.uint8 or image.shape[1:] != (PIXELS,) or label.dtype.kind not in "iu":
            raise DataError(f"{where} holds {sorted(map(str, fields))}, not data (n, 3072) uint8 and {self.label_key}.")
        if label.shape != (len(image),):
            raise DataError(f"{where} holds {len(image)} images but {label.size} labels: get it again.")
        return image.reshape(-1, *SHAPE), label


class _Restricted(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in ALLOWED:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, which no CIFAR file needs")
        return super().find_class(module, name)


def restricted_load(data: bytes, where: str) -> Any:
    """Unpickle lists, dicts and numpy arrays and nothing else; DataError for anything that could run code."""
    try:
        return _Restricted(io.BytesIO(data), encoding="latin1").load()
    except Exception as error:  # a damaged pickle can raise nearly anything
        raise DataError(
            f"{where} is refused ({error or type(error).__name__}): get it again from a source you trust."
        ) from error
