"""A folder with one sub-folder of images per class, or train/ and test/ (or val/) folders of that kind.

Every file with an extension that Pillow knows is an image, at any depth; classes are in alphabetical order. Images of
any mode and size are converted as `decode.py` states.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from sparring.core.errors import ConfigError, DataError
from sparring.data.reading.public import check_path
from sparring.data.reading.source import CHUNK, Encoded, Location, Reading, Source, file_identity

HELD_OUT = ("test", "val", "valid", "validation")


class Folder(Source):
    """Any image size, channels and classes."""

    def identity(self, location: Location) -> dict[str, Any]:
        root = _root(location)
        files = (file for classes in _splits(root).values() for group in classes.values() for file in group)
        return {"files": file_identity(files, root)}

    def read(self, location: Location) -> Reading:
        root = _root(location)
        splits = _splits(root)
        names = tuple(splits["train"])
        return Reading(names, _chunks(splits, names), {"path": str(root)})


def _root(location: Location) -> Path:
    keys = "hub_id", "hub_config", "revision", "image_column", "label_column"
    location.refuse(*keys, because="data=folder reads image files from data.path")
    if location.path is None:
        raise ConfigError("data=folder needs data.path=<folder with one sub-folder of images per class>.")
    check_path(location.path)
    if not location.path.is_dir():
        raise DataError(
            f"data.path={location.path} is a file: data=folder reads a folder with one sub-folder per class."
        )
    return location.path


def _splits(root: Path) -> dict[str, dict[str, list[Path]]]:
    """split -> class name -> image files; DataError where there are no images or the splits' classes differ."""
    if not (root / "train").is_dir():
        return {"train": _classes(root)}
    held_out = next((root / name for name in HELD_OUT if (root / name).is_dir()), None)
    splits = {"train": _classes(root / "train")} | ({"test": _classes(held_out)} if held_out else {})
    unknown = sorted(set(splits.get("test", {})) - set(splits["train"]))
    if unknown:
        raise DataError(
            f"{held_out} has the class folder {unknown[0]}, which {root / 'train'} has not: make them equal."
        )
    return splits


def _classes(folder: Path) -> dict[str, list[Path]]:
    known = Image.registered_extensions()
    classes = {}
    for entry in sorted(folder.iterdir()):
        if entry.is_dir() and not entry.name.startswith("."):
            paths = (
                Path(base, name) for base, _, names in os.walk(entry) for name in names if not name.startswith(".")
            )
            classes[entry.name] = sorted(path for path in paths if path.suffix.lower() in known)
    empty = [name for name, files in classes.items() if not files]
    if not classes or empty:
        where = f"Folder {folder / empty[0]} holds no images" if empty else f"{folder} has no sub-folders"
        raise DataError(f"{where}: data=folder expects one sub-folder of images per class.")
    return classes


def _chunks(splits: dict[str, dict[str, list[Path]]], names: tuple[str, ...]) -> Iterator[Encoded]:
    for split, classes in splits.items():
        files = [(file, names.index(name)) for name, group in classes.items() for file in group]
        for start in range(0, len(files), CHUNK):
            rows = files[start : start + CHUNK]
            label = np.array([label for _, label in rows], dtype=np.int64)
            yield Encoded(split, [file for file, _ in rows], label, [str(file) for file, _ in rows])
