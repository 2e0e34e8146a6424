"""Which images the networks of a run were trained on, and whether a later classifier would be tested on one of them.

Every run of train.py leaves `provenance.npz` next to its weights: the rows that it, and all networks it depends on, were
trained on. Two records of the same source (equal identity) or of equal bytes name the same images by the same rows, so
disjoint rows prove disjoint images; exact duplicates that a data set holds across its own splits do not count. Records of
different sources are compared image by image, by hash; there an image that is also in the classifier's own train split does
not count.
"""

import hashlib
import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from torch import Tensor

from sparring.core.atomic import write_atomic
from sparring.core.errors import DataError
from sparring.data.serving.cache import Cache
from sparring.data.serving.storage import Images

FILE = "provenance.npz"
MOST_BYTES = 2**30  # that a record may unpack to: fifty times that of ImageNet
VERSION = 1
Role = Literal["trained", "selected"]


@dataclass(frozen=True)
class Provenance:
    """Some rows of a cached split, as a network used them.

    Args:
        split: name of the split in the cache.
        source: digest of where the cache was read from.
        content: digest of the bytes of all its splits.
        decoding: digest of size, channels and resize.
        role: "trained": on these images; "selected": models were chosen by them.
        labelled: whether labels were used.
        by: the run, for messages.
        rows: (n,) int64, ascending.
        hashes: (n,) uint64, one per image.
    """

    split: str
    source: str
    content: str
    decoding: str
    role: Role
    labelled: bool
    by: str
    rows: np.ndarray
    hashes: np.ndarray

    def same_rows(self, other: "Provenance") -> bool:
        """Whether row r of a split is the same image for both."""
        return self.source == other.source or self.content == other.content


def provenance_of(
    images: Images, cache: Cache, split: str, *, role: Role = "trained", labelled: bool = True
) -> Provenance:
    """The chosen rows of `images`, which are rows of the cached `split`, with `by` empty."""
    rows = images.rows.cpu().sort().values
    key = cache.meta["key"]
    contents = {name: each.sha256 for name, each in sorted(cache.splits.items())}
    return Provenance(
        split=split,
        source=_digest([key["source"], key["identity"], cache.meta["skipped"]]),
        content=_digest(contents),
        decoding=_digest([key["shape"], key["resize"]]),
        role=role, labelled=labelled, by="", rows=rows.numpy(), hashes=hashes(images.pixels, rows),
    )  # fmt: skip


def hashes(pixels: Tensor, rows: Tensor) -> np.ndarray:
    """(n,) uint64: the first 8 bytes of each image's blake2b. pixels (N, C, H, W) uint8; rows (n,) int64."""
    result = np.empty(len(rows), dtype=np.uint64)
    for number, row in enumerate(rows.tolist()):
        digest = hashlib.blake2b(pixels[row].cpu().contiguous().numpy().data, digest_size=8).digest()
        result[number] = int.from_bytes(digest, "little")
    return result


def shared(evaluated: Provenance, other: Provenance, own_train: np.ndarray) -> np.ndarray:
    """Rows of `evaluated` whose image is in `other`.

    Args:
        evaluated: images of val or test.
        other: images that a network used.
        own_train: hashes of the train split that belongs to `evaluated`.

    Raises:
        DataError: the two were decoded differently, so that equal images need not have equal bytes.
    """
    if evaluated.same_rows(other):
        return np.intersect1d(evaluated.rows, other.rows) if evaluated.split == other.split else evaluated.rows[:0]
    if evaluated.decoding != other.decoding:
        raise DataError(
            f"{other.by} was trained on another copy of the data, converted to another size, channel count or data.resize, so"
            " nothing can show that no val or test image was among it: train it on the data of this run."
        )
    return evaluated.rows[np.isin(evaluated.hashes, other.hashes) & ~np.isin(evaluated.hashes, own_train)]


def save(folder: Path, records: Iterable[Provenance], *, run: Path, fingerprints: dict[str, str]) -> None:
    """Write `provenance.npz`.

    Args:
        folder: where to.
        records: those without `by` are the run's own.
        run: the run.
        fingerprints: of its data, which tie the file to the weights.

    Raises:
        DiskError: the file cannot be written.
    """
    arrays: dict[str, np.ndarray] = {}
    entries = []
    for number, each in enumerate(records):
        arrays[f"rows_{number}"], arrays[f"hashes_{number}"] = each.rows, each.hashes
        entries.append({key: getattr(each, key) for key in _PLAIN} | {"by": each.by or str(run)})
    meta = {"version": VERSION, "fingerprints": fingerprints, "entries": entries}
    buffer = io.BytesIO()
    np.savez_compressed(buffer, meta=np.frombuffer(json.dumps(meta).encode(), dtype=np.uint8), **arrays)  # type: ignore[arg-type]
    write_atomic(folder / FILE, buffer.getvalue())


def load(folder: Path, *, fingerprints: dict[str, str] | None) -> list[Provenance]:
    """The records in `folder`, which must belong to weights trained on `fingerprints`.

    Raises:
        DataError: there are none, they are damaged, or of another training.
    """
    file = folder / FILE
    if not file.exists():
        raise DataError(
            f"{folder} does not say which images it was trained on ({FILE} is missing), so a classifier could be tested on"
            " them: train it again with this version."
        )
    try:
        belongs_to, records = _read(file)
    except Exception as error:  # zipfile, zlib and numpy raise whatever a damaged file leads them to
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise DataError(f"{file} is damaged ({reason}): restore it from a copy, or train the run again.") from error
    if belongs_to != fingerprints:
        raise DataError(f"{file} belongs to another training than the weights next to it: restore both from one copy.")
    return records


def _read(file: Path) -> tuple[dict[str, str], list[Provenance]]:
    """The fingerprints and the records in `file`."""
    with np.load(file, allow_pickle=False) as content:
        size = sum(member.file_size for member in content.zip.infolist())
        if size > MOST_BYTES:
            raise ValueError(f"it unpacks to {size / 2**30:.1f} GiB")
        meta: dict[str, Any] = json.loads(content["meta"].tobytes())
        records = [
            Provenance(**entry, rows=content[f"rows_{number}"], hashes=content[f"hashes_{number}"])
            for number, entry in enumerate(meta["entries"])
        ]
    for each in records:
        if (each.rows.dtype, each.hashes.dtype) != (np.int64, np.uint64) or each.rows.shape != each.hashes.shape:
            raise ValueError("its rows and hashes are no pairs of whole numbers")
    return meta["fingerprints"], records


def check(evaluated: dict[str, Provenance], records: Sequence[Provenance], own_train: np.ndarray) -> None:
    """Refuse networks that were trained on val or test images, or chosen by test images.

    Args:
        evaluated: images of val and test.
        records: what the networks used.
        own_train: hashes of the train split that belongs to `evaluated`.

    Raises:
        DataError: naming the run that used them and how many.
    """
    for record in records:
        for split, images in evaluated.items():
            if record.role == "selected" and split == "val":
                continue
            rows = shared(images, record, own_train)
            if len(rows):
                use = "was trained" if record.role == "trained" else "was chosen"
                raise DataError(
                    f"{record.by} {use} on {len(rows)} of the {len(images.rows)} {split} images of this run (first: row"
                    f" {rows[0]} of the data's {images.split} images), so its result would mean nothing: train it with the"
                    " same data.split_seed, data.val_fraction and data.test_fraction."
                )


def extra_labels(own: Provenance, records: Sequence[Provenance]) -> int:
    """How many labels of images that are not in `own` a network used: the largest number of any record."""
    largest = 0
    for record in records:
        if record.role == "trained" and record.labelled:
            if own.same_rows(record):
                known = (
                    np.isin(record.rows, own.rows) if record.split == own.split else np.zeros(len(record.rows), bool)
                )
            else:
                known = np.isin(record.hashes, own.hashes)
            largest = max(largest, int((~known).sum()))
    return largest


def unlabelled(records: Iterable[Provenance]) -> list[Provenance]:
    """The same records of a network that used no label."""
    return [replace(each, labelled=False) for each in records]


_PLAIN = ("split", "source", "content", "decoding", "role", "labelled")


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
