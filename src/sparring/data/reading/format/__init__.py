"""File formats of data sets: each locates its files below a path and reads them in chunks."""

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from sparring.data.reading.source import Chunk

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
