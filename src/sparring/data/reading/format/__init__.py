"""File formats of data sets: each locates its files below a path and reads them in chunks."""

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from sparring.core.errors import DataError
from sparring.data.reading.source import Chunk

MOST_BYTES = 2**32  # that one array of a file may unpack to: several times the largest of a known data set

Files = dict[str, list[Path]]


class Format(Protocol):
    """One way in which a data set is stored."""

    @property
    def description(self) -> str:
        """The files it looks for, for error messages."""

    def find(self, path: Path) -> Files | None:
        """Files of each split ("train", "test") at or below `path`, or None if `path` does not hold this format."""

    def read(self, files: Files) -> Iterator[Chunk]:
        """Stream the splits, training images first. Raises DataError for files that are not what they claim to be."""


def check_unpacked(size: int, file: Path) -> None:
    """Refuse an array before it is unpacked into memory. Raises DataError."""
    if size > MOST_BYTES:
        raise DataError(
            f"{file} says that it unpacks to {size / 2**30:.1f} GiB, more than the {MOST_BYTES / 2**30:.0f} GiB that an array of"
            " a data set may have: get it again, or store the images as parquet or as a folder."
        )
