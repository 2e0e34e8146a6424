"""Images that were given in Python: the cache keeps them by their fingerprint, and later stages find them there."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from sparring.core.errors import DataError
from sparring.data.reading.source import Location, Reading, Source, slices


class ArraySplit(NamedTuple):
    """image (N, C, H, W) uint8, label (N,) int64."""

    image: np.ndarray
    label: np.ndarray


@dataclass(frozen=True)
class Content:
    """splits: "train" and, where there is one, "test". class_names: in the order of the labels."""

    splits: Mapping[str, ArraySplit]
    class_names: tuple[str, ...]

    @cached_property
    def fingerprint(self) -> str:
        """sha256 hex digest of everything in it."""
        digest = hashlib.sha256(json.dumps(self.class_names).encode())
        for name, (image, label) in sorted(self.splits.items()):
            digest.update(f"\0{name}\0{image.shape}\0".encode())
            digest.update(np.ascontiguousarray(image).data)
            digest.update(np.ascontiguousarray(label, dtype="<i8").data)
        return digest.hexdigest()


class Arrays(Source):
    """fingerprint: of the `Content`, which alone a configuration names. content: the images, given in Python."""

    def __init__(self, *, fingerprint: str, content: Content | None = None) -> None:
        self.fingerprint, self.content = fingerprint, content

    def identity(self, location: Location) -> dict[str, Any]:
        keys = "path", "hub_id", "hub_config", "revision", "image_column", "label_column"
        location.refuse(*keys, because="data=arrays holds images that were given in Python")
        return {"sha256": self.fingerprint}

    def read(self, location: Location) -> Reading:
        if self.content is None:
            raise DataError(
                f"the images with the fingerprint {self.fingerprint[:12]} were given in Python and are no longer in the cache: "
                "give them again with sparring.open(<run>, data=(images, labels))."
            )
        chunks = (
            chunk
            for split, (image, label) in self.content.splits.items()
            for chunk in slices(split, image, label, f"the {split} images,")
        )
        return Reading(self.content.class_names, chunks, {"given": "in Python", "sha256": self.fingerprint})
