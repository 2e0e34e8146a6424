"""Whether the bytes of a cached array are still those that were written: whole files at once, large ones block by block."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from sparring.core.errors import DataError

WHOLE_BYTES = 2**30  # files up to this size are checked when the cache is opened: 0.6 s per GiB
BLOCK_BYTES = 2**26  # of larger ones, each block is checked when a row of it is first read


class BlockHash:
    """sha256 of everything that is fed to it, and of each full block of it and the rest."""

    def __init__(self) -> None:
        self.whole, self.blocks = hashlib.sha256(), [hashlib.sha256()]
        self._room = BLOCK_BYTES

    def update(self, data: memoryview) -> None:
        data = data.cast("B") if data.nbytes else memoryview(b"")
        self.whole.update(data)
        while len(data) > self._room:
            self.blocks[-1].update(data[: self._room])
            data = data[self._room :]
            self.blocks.append(hashlib.sha256())
            self._room = BLOCK_BYTES
        self.blocks[-1].update(data)
        self._room -= len(data)

    def facts(self) -> dict[str, Any]:
        return {"sha256": self.whole.hexdigest(), "blocks": [block.hexdigest() for block in self.blocks]}


def is_intact(file: Path, facts: dict[str, Any]) -> bool:
    """Whether an .npy file has the size and rows that `facts` say and, up to WHOLE_BYTES, the content."""
    if file.stat().st_size != facts["bytes"]:
        return False
    array = np.load(file, mmap_mode="r", allow_pickle=False)
    if len(array) != facts["count"]:
        return False
    return array.nbytes > WHOLE_BYTES or hashlib.sha256(_bytes_of(array)).hexdigest() == facts["sha256"]


@dataclass
class FirstTouch:
    """Checks the blocks of a large file as their rows are first read. array (N, ...) is memory-mapped.

    Call it with row numbers before reading them.
    """

    file: Path
    array: np.ndarray
    blocks: list[str]
    _checked: set[int] = field(default_factory=set)

    def __call__(self, rows: np.ndarray) -> None:
        """rows (n,) int64. Raises DataError: naming the file and what to do."""
        row_bytes = self.array.nbytes // max(1, len(self.array))
        first, last = rows * row_bytes // BLOCK_BYTES, ((rows + 1) * row_bytes - 1) // BLOCK_BYTES
        for block in sorted({*np.unique(first).tolist(), *np.unique(last).tolist()} - self._checked):
            content = _bytes_of(self.array)[block * BLOCK_BYTES : (block + 1) * BLOCK_BYTES]
            if hashlib.sha256(content).hexdigest() != self.blocks[block]:
                raise DataError(
                    f"{self.file} is damaged (block {block} of {len(self.blocks)} is not what was written): remove the folder"
                    f" {self.file.parent}, and the cache is made again."
                )
            self._checked.add(block)


def first_touch(file: Path, array: np.ndarray, facts: dict[str, Any]) -> Callable[[np.ndarray], None] | None:
    """What has to be called before rows are read; None where opening has checked them all."""
    return FirstTouch(file, array, facts["blocks"]) if array.nbytes > WHOLE_BYTES else None


def _bytes_of(array: np.ndarray) -> memoryview:
    return array.reshape(-1).view(np.uint8).data if array.nbytes else memoryview(b"")
