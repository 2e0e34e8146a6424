"""One writer per format of generated images; each result appears whole or not at all.

A writer collects in memory or under a temporary name; `commit` puts the result in place, `discard` removes the rest.
A killed process leaves at most a `.tmp-` entry, which no reader takes for data.
"""

import contextlib
import json
import math
import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import torch
from torch import Tensor

from sparring.core.atomic import disk_error, sync_file, sync_folder, temporary_path
from sparring.core.picture import encode_png, grid, grid_of_rows, write_png
from sparring.core.types import UNLABELLED
from sparring.data.reading.image_set import UNLABELLED_FOLDER, portable_name
from sparring.generation.sampler import Samples

if TYPE_CHECKING:
    import pyarrow

GRID_COLUMNS = 16  # at most; later images of a class are in the other formats only


class Writer(Protocol):
    """Takes the batches of a Sampler in order."""

    path: Path

    def add(self, samples: Samples) -> None:
        """Take some images. Raises DiskError."""
        ...

    def commit(self) -> None:
        """Put the result in place. Raises DiskError."""
        ...

    def discard(self) -> None:
        """Remove what is not in place; harmless after `commit`."""
        ...

    def file_of(self, index: int) -> str | None:
        """Path of image `index` relative to the run, once all are added; `None` if this format left it out."""
        ...


class GridWriter:
    """One PNG: a row per class, or a near-square in index order where there is one class or hardly an image of each."""

    def __init__(self, run: Path, *, class_names: Sequence[str]) -> None:
        self.path = run / "images" / "grid.png"
        self.class_names = class_names
        self._first: dict[int, Tensor] = {}
        self._by_class: dict[int, dict[int, Tensor]] = {}

    def add(self, samples: Samples) -> None:
        for index, label, image in samples.each():
            row = self._by_class.setdefault(label, {})
            if len(row) < GRID_COLUMNS:
                row[index] = image
            if len(self._first) < GRID_COLUMNS**2:
                self._first[index] = image

    def _rows(self) -> list[dict[int, Tensor]] | None:
        """Images of the classes in their order, or `None` for the square."""
        rows = [self._by_class[label] for label in sorted(self._by_class)]
        return rows if len(rows) > 1 and sum(map(len, rows)) >= 2 * len(rows) else None

    def commit(self) -> None:
        rows = self._rows()
        if rows is None:
            square = torch.stack(list(self._first.values()))
            picture = grid(square, columns=math.ceil(math.sqrt(len(square))))
        else:
            names = [self.class_names[label] for label in sorted(self._by_class)]
            picture = grid_of_rows([torch.stack(list(row.values())) for row in rows], row_labels=names)
        self.path.parent.mkdir(exist_ok=True)
        write_png(self.path, picture)

    def discard(self) -> None:
        """Nothing is on the disk before `commit`."""

    def file_of(self, index: int) -> str | None:
        rows = self._rows()
        pictured = index in self._first if rows is None else any(index in row for row in rows)
        return "images/grid.png" if pictured else None


class FolderWriter:
    """`folder/<class>/<index>.png`; class folders begin with the class index, so that sorting them gives the labels."""

    def __init__(self, run: Path, *, class_names: Sequence[str]) -> None:
        self.path = run / "folder"
        self.folders = class_folders(class_names)
        self._temporary = temporary_path(self.path)
        self._names: dict[int, str] = {}

    def add(self, samples: Samples) -> None:
        for index, label, image in samples.each():
            name = f"{UNLABELLED_FOLDER if label == UNLABELLED else self.folders[label]}/{index:06d}.png"
            with _disk_errors(self.path):
                file = self._temporary / name
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(image_png(image))
            self._names[index] = f"folder/{name}"

    def commit(self) -> None:
        with _disk_errors(self.path):
            os.replace(self._temporary, self.path)
            sync_folder(self.path.parent)

    def discard(self) -> None:
        shutil.rmtree(self._temporary, ignore_errors=True)

    def file_of(self, index: int) -> str | None:
        return self._names[index]


class ParquetWriter:
    """`samples.parquet` as the hub stores images: `image` struct{bytes: PNG, path}, `label` int64 (-1: unlabelled)."""

    def __init__(self, run: Path, *, class_names: Sequence[str]) -> None:
        import pyarrow
        import pyarrow.parquet

        self.path = run / "samples.parquet"
        self._temporary = temporary_path(self.path)
        self._schema = _schema(pyarrow, class_names)
        with _disk_errors(self.path):
            self._file = self._temporary.open("xb")
        self._parquet = pyarrow.parquet.ParquetWriter(self._file, self._schema)

    def add(self, samples: Samples) -> None:
        import pyarrow

        coded = [{"bytes": image_png(image), "path": f"{index:06d}.png"} for index, _, image in samples.each()]
        table = pyarrow.table({"image": coded, "label": samples.label.tolist()}, schema=self._schema)
        with _disk_errors(self.path):
            self._parquet.write_table(table)

    def commit(self) -> None:
        with _disk_errors(self.path):
            self._parquet.close()
            sync_file(self._file)
            self._file.close()
            os.replace(self._temporary, self.path)
            sync_folder(self.path.parent)

    def discard(self) -> None:
        with contextlib.suppress(Exception):  # after a full disk the footer cannot be written either
            self._parquet.close()
        with contextlib.suppress(OSError):
            self._file.close()
        self._temporary.unlink(missing_ok=True)

    def file_of(self, index: int) -> str | None:
        return self.path.name


def class_folders(class_names: Sequence[str]) -> list[str]:
    """Folder name per class: its index, so that names sort as labels do, and its name in portable characters."""
    digits = len(str(len(class_names) - 1))
    numbers = [f"{index:0{digits}d}" for index in range(len(class_names))]
    words = [portable_name(name) for name in class_names]
    return [
        number if word == str(index) else f"{number}_{word}"
        for index, (number, word) in enumerate(zip(numbers, words, strict=True))
    ]


def image_png(image: Tensor) -> bytes:
    """(C, H, W) uint8 with up to 4 channels -> PNG bytes."""
    return encode_png(image.permute(1, 2, 0).numpy())


def _schema(pyarrow: Any, class_names: Sequence[str]) -> "pyarrow.Schema":
    label: dict[str, Any] = {"names": list(class_names), "_type": "ClassLabel"}
    if not class_names:
        label = {"dtype": "int64", "_type": "Value"}
    features = {"info": {"features": {"image": {"_type": "Image"}, "label": label}}}
    coded = pyarrow.struct([("bytes", pyarrow.binary()), ("path", pyarrow.string())])
    columns = [("image", coded), ("label", pyarrow.int64())]
    return pyarrow.schema(columns, metadata={"huggingface": json.dumps(features)})


@contextlib.contextmanager
def _disk_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise disk_error(path, error) from error
