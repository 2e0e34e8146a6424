"""Decode once: a folder of memory-mapped uint8 arrays that is either whole and checked, or does not exist.

`<cache_dir>/<name>-<key>/` holds `<split>_images.npy` (N, C, S, S) uint8, `<split>_labels.npy` (N,) int64, `meta.json`.
The key covers the source's identity, the settings and VERSION. Writers fill a temporary folder beside it and rename it,
so a crash or a second writer never leaves half a cache. sha256 is taken while writing and checked at every open, of arrays above
1 GiB block by block as they are read; a damaged cache is made again.
"""

import errno
import hashlib
import json
import logging
import math
import os
import shutil
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from sparring.core.errors import DataError, DiskError
from sparring.data.reading.decode import Decoder
from sparring.data.reading.depth import DepthUnknown, measured_range
from sparring.data.reading.source import Chunk, Location, Reading, Source
from sparring.data.serving.growing_array import GrowingArray, growing_array
from sparring.data.serving.verify import is_intact

VERSION = 2
SKIP_LIMIT = 0.01
STALE_SECONDS = 24 * 3600
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class CachedSplit:
    """A split on disk.

    Args:
        file: .npy of the images (N, C, S, S) uint8.
        label: (N,) int64.
        sha256: over the bytes of images and labels.
        facts: what was recorded of `file` when it was written.
    """

    file: Path
    label: np.ndarray
    sha256: str
    facts: dict[str, Any]

    @property
    def image(self) -> np.ndarray:
        """The images, memory-mapped."""
        # Copy-on-write, so that torch takes the array as writable; nothing ever writes, so the pages stay shared.
        return np.load(self.file, mmap_mode="c")


@dataclass(frozen=True)
class Cache:
    """An open cache; `splits` has "train" and, where the source has them, "val" and "test"."""

    folder: Path
    meta: dict[str, Any]
    splits: dict[str, CachedSplit]

    @property
    def class_names(self) -> tuple[str, ...]:
        """In label order."""
        return tuple(self.meta["class_names"])


def open_or_create(*, source: Source, location: Location, name: str, decoder: Decoder, cache_dir: Path) -> Cache:
    """The cache of `source` at these settings, which is read and decoded where it is not there yet.

    Args:
        source: leaf of `data`.
        location: where it reads from.
        name: of the data set, part of the folder's name.
        decoder: size, channels and filter of the stored images.
        cache_dir: holds all caches.

    Raises:
        DataError: bad input. DiskError: the cache cannot be written.
    """
    key = {
        "version": VERSION,
        "source": type(source).__qualname__,
        "identity": source.identity(location),
        "shape": [decoder.channels, decoder.image_size],
        "resize": decoder.resize,
        "value_range": decoder.value_range,
    }
    digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()
    folder = cache_dir / f"{name}-{digest[:16]}"
    cache = _open(folder)
    if cache is None:
        if folder.exists():
            log.warning("The cache %s is damaged and is made again from the source.", folder)
        try:
            _create(folder, source.read(location), decoder, key)
        except DepthUnknown:
            decoder = replace(decoder, value_range=measured_range(source.read(location).chunks))
            log.warning(
                "The 16-bit images of data=%s are read as values from 0 to %d; another range: data.value_range=<largest value>.",
                name, decoder.value_range,
            )  # fmt: skip
            _create(folder, source.read(location), decoder, key)
        cache = _open(folder)
        if cache is None:
            raise DiskError(
                f"The cache {folder} cannot be read back after writing it: check the disk or set data.cache_dir."
            )
    if decoder.on_error == "fail" and cache.meta["skipped"]:
        skipped = cache.meta["skipped"]
        raise DataError(
            f"{len(skipped)} images were left out, first: {skipped[0]}; repair or remove them, or allow it with"
            " data.on_error=skip."
        )
    return cache


def _open(folder: Path) -> Cache | None:
    """The cache, or None if there is none or its files are not what meta.json says."""
    try:
        meta = json.loads((folder / "meta.json").read_text())
        if not all(is_intact(folder / name, facts) for name, facts in meta["files"].items()):
            return None
        splits = {split: _open_split(folder, split, meta["files"]) for split in meta["splits"]}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, EOFError):
        return None
    return Cache(folder, meta, splits)


def _open_split(folder: Path, split: str, files: dict[str, dict[str, Any]]) -> CachedSplit:
    names = f"{split}_images.npy", f"{split}_labels.npy"
    sha256 = hashlib.sha256("".join(files[name]["sha256"] for name in names).encode()).hexdigest()
    return CachedSplit(folder / names[0], np.load(folder / names[1]), sha256, files[names[0]])


def _create(folder: Path, reading: Reading, decoder: Decoder, key: dict[str, Any]) -> None:
    """Write the cache into a temporary folder and rename it to `folder`."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        _sweep(folder.parent)
        temporary = Path(tempfile.mkdtemp(prefix=f".tmp-{folder.name}-", dir=folder.parent))
        try:
            written = _write(temporary, reading, decoder)
            origin = reading.origin | ({} if decoder.value_range is None else {"value_range": decoder.value_range})
            meta = {"key": key, "origin": origin, "class_names": reading.class_names, **written}
            with (temporary / "meta.json").open("w") as file:
                json.dump(meta, file, indent=1)
                file.flush()
                os.fsync(file.fileno())
            _publish(temporary, folder)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    except OSError as error:
        raise DiskError(
            f"The cache in {folder.parent} cannot be written ({error.strerror}): free space or set data.cache_dir."
        ) from error


def _publish(temporary: Path, folder: Path) -> None:
    """Rename into place; if another process was first, its equal cache stays, unless it is damaged."""
    temporary.chmod(0o755)  # mkdtemp makes it private, but a cache folder may be shared
    for _ in range(2):
        try:
            os.rename(temporary, folder)
            return
        except OSError as error:
            if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):
                raise
        if _open(folder) is not None:
            return
        damaged = Path(tempfile.mkdtemp(prefix=".tmp-damaged-", dir=folder.parent))
        os.rename(folder, damaged / "cache")
        shutil.rmtree(damaged, ignore_errors=True)


def _sweep(cache_dir: Path) -> None:
    """Remove what writers killed more than a day ago left behind."""
    for stray in cache_dir.glob(".tmp-*"):
        with suppress(FileNotFoundError):  # its writer may be finishing
            if time.time() - stray.stat().st_mtime > STALE_SECONDS:
                shutil.rmtree(stray, ignore_errors=True)


def _write(folder: Path, reading: Reading, decoder: Decoder) -> dict[str, Any]:
    """Stream every chunk into the .npy files of its split; returns what meta.json says about them."""
    shape = (decoder.channels, decoder.image_size, decoder.image_size)
    arrays: dict[str, tuple[GrowingArray, GrowingArray]] = {}
    skipped: list[str] = []
    with ExitStack() as stack:
        pool = stack.enter_context(ThreadPoolExecutor(min(8, os.cpu_count() or 1)))
        for chunk in reading.chunks:
            if chunk.split not in arrays:
                images = stack.enter_context(growing_array(folder / f"{chunk.split}_images.npy", "|u1", shape))
                labels = stack.enter_context(growing_array(folder / f"{chunk.split}_labels.npy", "<i8", ()))
                arrays[chunk.split] = images, labels
            _check_labels(chunk, len(reading.class_names))
            image, label, bad = decoder(chunk, pool)
            arrays[chunk.split][0].append(image)
            arrays[chunk.split][1].append(label)
            skipped += bad
    counts = {split: labels.count for split, (_, labels) in arrays.items()}
    _check_counts(counts, skipped)
    files = {array.path.name: array.facts() for pair in arrays.values() for array in pair}
    return {"splits": counts, "skipped": skipped, "files": files}


def _check_labels(chunk: Chunk, num_classes: int) -> None:
    bad = np.flatnonzero((chunk.label < 0) | (chunk.label >= num_classes))
    if len(bad):
        raise DataError(
            f"The label of {chunk.describe(bad[0])} is {chunk.label[bad[0]]}, outside 0..{num_classes - 1}: correct it."
        )


def _check_counts(counts: dict[str, int], skipped: list[str]) -> None:
    if not counts.get("train"):
        raise DataError("There is no training image: check data.path (a split is known by the name train* or test*).")
    total = sum(counts.values()) + len(skipped)
    if len(skipped) > math.ceil(SKIP_LIMIT * total):
        raise DataError(
            f"{len(skipped)} of {total} images do not decode, more than the 1% that data.on_error=skip leaves out;"
            f" first: {skipped[0]}."
        )
