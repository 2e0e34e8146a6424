"""Where the pixels of a split are stored, and how a batch is taken out of them: one index, no loop over images."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from sparring.core.transfer import sent
from sparring.core.types import UNLABELLED
from sparring.data.serving.cache import CachedSplit
from sparring.data.serving.verify import first_touch

STORAGE = ("auto", "memory", "mmap", "device")
MEMORY_LIMIT = 2**30  # bytes that `auto` copies into memory; larger splits are read through the memory map
DEVICE_SHARE = 4  # `auto` puts a split on the accelerator if it takes at most 1/4 of its free memory


@dataclass(frozen=True)
class Images:
    """Chosen rows of a split.

    Args:
        pixels: (N, C, H, W) uint8, the whole split.
        rows: (n,) int64, the chosen ones.
        label: (n,) int64, of the chosen ones.
        sha256: of the split's bytes.
        before_read: called with the rows that are about to be read; checks them where opening the cache has not.
    """

    pixels: Tensor
    rows: Tensor
    label: Tensor
    sha256: str
    before_read: Callable[[np.ndarray], None] | None = None

    def __len__(self) -> int:
        return len(self.rows)

    def with_rows(self, rows: Tensor) -> "Images":
        """Of the same split, which must be chosen whole here, the rows (n,) int64."""
        return replace(self, rows=rows.to(self.rows.device), label=self.label[rows.to(self.label.device)])

    def subset(self, positions: Tensor) -> "Images":
        """The images at positions (k,) int64 in 0..n-1 of the chosen rows; a position may come twice."""
        return replace(self, rows=self.rows[positions], label=self.label[positions])

    def without_labels(self) -> "Images":
        """The same images, every label -1."""
        return replace(self, label=torch.full_like(self.label, UNLABELLED))

    def take(self, positions: Tensor) -> tuple[Tensor, Tensor]:
        """image (k, C, H, W) uint8 and label (k,) int64 at positions 0..n-1 of the chosen rows."""
        positions = sent(positions, self.rows.device)
        rows = self.rows[positions]
        if self.before_read is not None:
            self.before_read(rows.cpu().numpy())
        return self.pixels.index_select(0, rows), self.label[positions]

    @property
    def fingerprint(self) -> str:
        """sha256 hex over the split's bytes, the chosen rows and their labels."""
        digest = hashlib.sha256(self.sha256.encode())
        digest.update(self.rows.cpu().numpy().astype("<i8").tobytes())
        digest.update(self.label.cpu().numpy().astype("<i8").tobytes())
        return digest.hexdigest()


def load_images(split: CachedSplit, relabel: Tensor, storage: str) -> Images:
    """The whole split, in memory or memory-mapped.

    Args:
        split: as the cache has it.
        relabel: (cached classes,) int64, the label in use for each cached one, -1 where it is not in use.
        storage: one of STORAGE.
    """
    in_memory = storage == "memory" or (storage == "auto" and split.file.stat().st_size <= MEMORY_LIMIT)
    mapped = split.image
    before_read = first_touch(split.file, mapped, split.facts)
    if in_memory and before_read is not None:
        before_read(np.arange(len(mapped)))
        before_read = None
    pixels = torch.from_numpy(np.load(split.file) if in_memory else mapped)
    label = relabel[torch.from_numpy(split.label)]
    return Images(pixels, torch.arange(len(pixels)), label, split.sha256, before_read)


def to_device(images: Images, storage: str, device: torch.device) -> Images:
    """The same images on `device` where `storage` asks for it; for "auto", where that is an accelerator with room for them."""
    fits = device.type == "cuda" and images.pixels.nbytes <= torch.cuda.mem_get_info(device)[0] // DEVICE_SHARE
    if storage != "device" and not (storage == "auto" and fits):
        return images
    if images.before_read is not None:
        images.before_read(np.arange(len(images.pixels)))
    return Images(images.pixels.to(device), images.rows.to(device), images.label.to(device), images.sha256)
