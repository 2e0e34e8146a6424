"""What a folder of generated images says about itself: manifest.csv (one row per image) and manifest.json."""

import csv
import hashlib
import io
from collections.abc import Mapping, Sequence
from typing import Any

from sparring.core.package import VERSION
from sparring.generation.export import Writers
from sparring.generation.sampler import BLOCK, Samples
from sparring.run.environment import git_state

SCHEMA_VERSION = 1


class Ledger:
    """A row per image that was added, and a fingerprint over all of them. seed: of the samples."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.rows: list[tuple[int, int]] = []
        self.shape: list[int] = []
        self._digest = hashlib.sha256()

    def add(self, samples: Samples) -> None:
        """Add images in the order of their indices."""
        self.shape = list(samples.image.shape[1:])
        for index, label, image in samples.each():
            self.rows.append((index, label))
            self._digest.update(label.to_bytes(8, "little", signed=True) + image.numpy().tobytes())

    @property
    def fingerprint(self) -> str:
        """sha256 hex over (label as int64, image bytes) of all images in order; the same for every batch size."""
        return self._digest.hexdigest()

    def csv(self, writers: Writers) -> str:
        """Columns index, seed, label, file."""
        text = io.StringIO()
        table = csv.writer(text, lineterminator="\n")
        table.writerow(("index", "seed", "label", "file"))
        table.writerows((index, self.seed, label, writers.file_of(index)) for index, label in self.rows)
        return text.getvalue()


def manifest(
    settings: Mapping[str, Any],
    origin: dict[str, Any],
    class_names: Sequence[str],
    ledger: Ledger,
    files: dict[str, str],
) -> dict[str, Any]:
    """The content of manifest.json, plain values.

    Args:
        settings: how the images were drawn.
        origin: where they come from.
        class_names: in label order; empty for an unconditional generator.
        ledger: of all images.
        files: path of each format, relative to the run.
    """
    labels = [label for _, label in ledger.rows]
    return {
        "schema_version": SCHEMA_VERSION,
        "verb": "generate",
        "origin": origin,
        "settings": dict(settings),
        "block": BLOCK,
        "shape": ledger.shape,
        "class_names": list(class_names),
        "images_per_label": {str(label): labels.count(label) for label in sorted(set(labels))},
        "images_sha256": ledger.fingerprint,
        "files": files,
        "code": {"sparring": VERSION, "git": git_state()},
    }
