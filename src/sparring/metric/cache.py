"""Features and moments of reference images, computed once: they depend on the images and the extractor alone.

`<cache_dir>/features/<extractor>-<key>/` holds `features.npy`, `logits.npy` (where there are any), `moments.npy` and
`meta.json` with the key and a sha256 per file. The key covers the fingerprint of the images and the extractor's protocol
(weights hash, resize). A folder is whole or absent; one whose bytes changed is computed again, with a warning.
"""

import hashlib
import json
import logging
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sparring.core.errors import DataError, DiskError
from sparring.metric.features.base import Features
from sparring.metric.moments import Moments
from sparring.metric.network.pretrained import file_sha256

VERSION = 1
CHUNK = 2048  # images per write
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class CachedFeatures:
    """Of N reference images, memory-mapped.

    features: (N, D) float32.
    logits: (N, K) float32, or None where the extractor is no classifier.
    moments: of all N features.
    """

    features: Tensor
    logits: Tensor | None
    moments: Moments


def cached_features(
    extractor: Features, image: Tensor, *, fingerprint: str, split: str, cache_dir: Path | str
) -> CachedFeatures:
    """What `extractor` gives for reference images, from the cache, or computed and stored where it is not there.

    Args:
        extractor: its protocol is part of the key.
        image: (N, C, H, W) uint8.
        fingerprint: of exactly these images in this order (`ImageData.fingerprints()[split]` for a whole split).
        split: their name, for the key and for messages.
        cache_dir: holds `features/`.

    Raises:
        DataError: no images. DiskError: the cache cannot be written.
    """
    if not len(image):
        raise DataError(
            f"The reference split {split} has no images: choose another, or give it some (data.val_fraction)."
        )
    key = {
        "version": VERSION, "fingerprint": fingerprint, "split": split, "count": len(image), "protocol": extractor.protocol(),
    }  # fmt: skip
    digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()
    folder = Path(cache_dir).expanduser() / "features" / f"{extractor.name}-{digest[:16]}"
    if not _is_whole(folder, key):
        try:
            _create(folder, extractor, image, key)
        except OSError as error:
            raise DiskError(
                f"The cache {folder} cannot be written ({error.strerror}): free space or set paths.cache_dir."
            ) from error
    return _open(folder)


def _is_whole(folder: Path, key: dict[str, Any]) -> bool:
    if not folder.exists():
        return False
    try:
        meta = json.loads((folder / "meta.json").read_text())
        whole = meta["key"] == key and all(file_sha256(folder / name) == sha for name, sha in meta["files"].items())
    except (OSError, ValueError, KeyError):
        whole = False
    if not whole:
        log.warning("The cached features in %s are damaged; they are computed again.", folder)
    return whole


def _open(folder: Path) -> CachedFeatures:
    # Copy-on-write, so that torch takes the arrays as writable; the pages stay shared with other processes.
    arrays = {file.stem: torch.from_numpy(np.load(file, mmap_mode="c")) for file in sorted(folder.glob("*.npy"))}
    return CachedFeatures(arrays["features"], arrays.get("logits"), Moments.unpacked(arrays["moments"]))


def _create(folder: Path, extractor: Features, image: Tensor, key: dict[str, Any]) -> None:
    """Compute into a temporary folder, then rename it to `folder`; a damaged `folder` is moved away first."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".tmp-{folder.name}-", dir=folder.parent))
    try:
        filled = temporary / "filled"
        filled.mkdir()
        _fill(filled, extractor, image)
        files = {file.name: file_sha256(file) for file in sorted(filled.glob("*.npy"))}
        with (filled / "meta.json").open("w") as file:
            json.dump({"key": key, "files": files}, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        if folder.exists() and not _is_whole(folder, key):
            os.rename(folder, temporary / "damaged")
        if not folder.exists():
            os.rename(filled, folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _fill(folder: Path, extractor: Features, image: Tensor) -> None:
    writers: dict[str, np.memmap[Any, Any]] = {}
    moments: Moments | None = None
    for first in range(0, len(image), CHUNK):
        features, logits = extractor.extract(image[first : first + CHUNK])
        moments = moments or Moments(features.shape[1])
        moments.add(features)
        for name, rows in (("features", features), ("logits", logits)):
            if rows is None:
                continue
            if name not in writers:
                shape = (len(image), rows.shape[1])
                writers[name] = np.lib.format.open_memmap(folder / f"{name}.npy", "w+", np.dtype("<f4"), shape)
            writers[name][first : first + len(rows)] = rows.numpy()
    for writer in writers.values():
        writer.flush()
    assert moments is not None
    np.save(folder / "moments.npy", moments.packed().numpy())
