"""A folder with one sub-folder of images per class, or folders of that kind for the splits, such as train/, val/ and test/.

A split may have any of its usual names (Training, valid, ...). Classes are in natural order (2 before 10). Every image file at
any depth counts, but for hidden and system folders; images of any mode and size are converted as `decode.py` states.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from sparring.core.errors import ConfigError, DataError
from sparring.data.reading.image_file import image_files, sub_folders
from sparring.data.reading.public import check_path
from sparring.data.reading.source import CHUNK, Encoded, Location, Reading, Source, file_identity
from sparring.data.reading.split_names import split_of, stored_splits


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
    folders: dict[str, Path] = {}
    for folder in sub_folders(root):
        if split := split_of(folder.name):
            if split in folders:
                raise DataError(
                    f"{root} has two folders for its {split} split, {folders[split].name} and {folder.name}."
                )
            folders[split] = folder
    if "train" not in folders:
        return {"train": _classes(root)}
    splits = stored_splits({split: _classes(folder) for split, folder in folders.items()})
    for split, classes in splits.items():
        unknown = [name for name in classes if name not in splits["train"]]
        if unknown:
            raise DataError(
                f"The {split} split of {root} has the class folder {unknown[0]}, which {folders['train']} has not: make them"
                " equal."
            )
    return splits


def _classes(folder: Path) -> dict[str, list[Path]]:
    classes = {entry.name: image_files(entry) for entry in sub_folders(folder)}
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
