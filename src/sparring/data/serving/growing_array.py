"""Arrays that are written row by row: an .npy file whose length is known at the end, and its sha256."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from sparring.data.serving.verify import BlockHash


class GrowingArray:
    """An .npy file that grows: numpy pads the header so that the final count fits in later.

    Args:
        path, file: the file, open for writing.
        dtype: of the elements, as numpy writes it ("|u1").
        shape: of a row.
    """

    def __init__(self, path: Path, file: BinaryIO, dtype: str, shape: tuple[int, ...]) -> None:
        self.path, self.count = path, 0
        self._file, self._dtype, self._shape = file, dtype, shape
        self._hash = BlockHash()
        self._header_length = file.write(self._header())

    def _header(self) -> bytes:
        buffer = BytesIO()
        fields = {"descr": self._dtype, "fortran_order": False, "shape": (self.count, *self._shape)}
        np.lib.format.write_array_header_1_0(buffer, fields)
        return buffer.getvalue()

    def append(self, rows: np.ndarray) -> None:
        """Write rows (n, *shape) at the end."""
        data = np.ascontiguousarray(rows, dtype=self._dtype).data
        self._hash.update(data)
        self._file.write(data)
        self.count += len(rows)

    def finish(self) -> None:
        """Write the final count into the header and flush to the disk."""
        header = self._header()
        assert len(header) == self._header_length
        self._file.seek(0)
        self._file.write(header)
        self._file.flush()
        os.fsync(self._file.fileno())

    def facts(self) -> dict[str, Any]:
        """Bytes, sha256 and number of rows of the finished file."""
        return {"bytes": self.path.stat().st_size, "count": self.count, **self._hash.facts()}


@contextmanager
def growing_array(path: Path, dtype: str, shape: tuple[int, ...]) -> Iterator[GrowingArray]:
    """A new array of rows of `shape`, complete when the context ends without an exception."""
    with path.open("wb") as file:
        array = GrowingArray(path, file, dtype, shape)
        yield array
        array.finish()
