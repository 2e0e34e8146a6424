"""Data sources: each identifies its inputs cheaply and then streams images and labels.

    files or hub  --Source.read-->  chunks of pixels or encoded images  --decode-->  uint8 NCHW  --cache-->  memory map

A source decides nothing about size, splits, storage or augmentation: `ImageData` does.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sparring.core.errors import ConfigError

CHUNK = 1024  # images decoded and written at a time: bounds memory, feeds the decoding threads


@dataclass(frozen=True)
class Location:
    """Where to read from, as `conf/data` states it; None leaves it to the source."""

    path: Path | None = None
    hub_id: str | None = None
    hub_config: str | None = None
    revision: str | None = None
    image_column: str | None = None
    label_column: str | None = None

    def refuse(self, *keys: str, because: str) -> None:
        """Raise ConfigError if any of `keys` is given to a source that cannot use it."""
        for key in keys:
            if getattr(self, key) is not None:
                raise ConfigError(f"data.{key}={getattr(self, key)} cannot be used here: {because}.")


@dataclass(frozen=True)
class Pixels:
    """Decoded images of one split.

    Args:
        split: "train" or "test".
        image: (n, C, H, W) uint8.
        label: (n,) int64.
        where, start: file and first record, for messages.
    """

    split: str
    image: np.ndarray
    label: np.ndarray
    where: str
    start: int = 0

    def describe(self, row: int) -> str:
        """Where image `row` comes from."""
        return f"{self.where} record {self.start + row}"


@dataclass(frozen=True)
class Encoded:
    """Image files of one split.

    Args:
        split: "train" or "test".
        data: bytes or path of each file.
        label: (n,) int64.
        name: of each file, for messages.
    """

    split: str
    data: list[bytes | Path]
    label: np.ndarray
    name: list[str]

    def describe(self, row: int) -> str:
        """Where image `row` comes from."""
        return self.name[row]


Chunk = Pixels | Encoded


@dataclass(frozen=True)
class Reading:
    """An opened source.

    Args:
        class_names: in label order.
        chunks: the images, training images first.
        origin: facts for the record, such as the commit on the hub.
    """

    class_names: tuple[str, ...]
    chunks: Iterator[Chunk]
    origin: dict[str, Any]


class Source(ABC):
    """Base of every `sparring.data.<name>` leaf.

    channels, image_size: what every image of the source must be, or None where any image is converted.
    """

    channels: int | None = None
    image_size: int | None = None

    @abstractmethod
    def identity(self, location: Location) -> dict[str, Any]:
        """JSON facts that change when the input changes (names, sizes and times of files, or a hub revision).

        Cheap and without network. Raises DataError if `location.path` is missing or of a wrong format.
        """

    @abstractmethod
    def read(self, location: Location) -> Reading:
        """Open the input, over the network if need be. Chunks may come from splits "train" and "test"."""


def slices(split: str, image: np.ndarray, label: np.ndarray, where: str) -> Iterator[Pixels]:
    """Cut arrays image (N, C, H, W) and label (N,) into chunks."""
    for start in range(0, len(image), CHUNK):
        rows = slice(start, start + CHUNK)
        yield Pixels(split, image[rows], label[rows].astype(np.int64), where, start)


def file_identity(files: Iterable[Path], root: Path) -> list[list[str | int]]:
    """Name below `root`, size and modification time of each file, sorted; of a link that leads nowhere, those of the link."""
    stats = ((file, file.stat() if file.exists() else file.lstat()) for file in sorted(set(files)))
    return [[file.relative_to(root).as_posix(), stat.st_size, stat.st_mtime_ns] for file, stat in stats]
