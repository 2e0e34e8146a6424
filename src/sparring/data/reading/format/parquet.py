"""Parquet as the HF hub serves it: a column of encoded images (struct of bytes and path, or bytes), one of labels."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sparring.core.errors import DataError
from sparring.core.types import UNLABELLED
from sparring.data.reading.format import Files
from sparring.data.reading.image_file import natural
from sparring.data.reading.source import CHUNK, Encoded
from sparring.data.reading.split_names import SPLIT_NAMES, stored_splits

if TYPE_CHECKING:
    from pyarrow.parquet import ParquetFile


def split_files(names: list[str]) -> dict[str, list[str]]:
    """Group file names by split: a word of the name, else of its folders, that starts with a usual name of a split."""
    groups: dict[str, list[str]] = {}
    for name in sorted(names, key=natural):
        words = [word for part in reversed(Path(name).parts) for word in re.split(r"[^a-z0-9]+", part.lower())]
        matching = (split for word in words for split, starts in SPLIT_NAMES.items() if word.startswith(starts))
        groups.setdefault(next(matching, ""), []).append(name)
    unnamed = groups.pop("", [])
    if unnamed and "train" not in groups:
        groups["train"] = unnamed
    return stored_splits(groups)


@dataclass(frozen=True)
class Parquet:
    """Files of encoded images.

    Args:
        image_columns, label_columns: names to try, in order; no label columns at all: images without labels.
        description: of the files, for messages.
    """

    image_columns: tuple[str, ...] = ("image", "img")
    label_columns: tuple[str, ...] = ("label",)
    description: str = "train*.parquet and test*.parquet"

    def find(self, path: Path) -> Files | None:
        if path.is_file():
            return {"train": [path]} if path.suffix == ".parquet" else None
        groups = split_files([file.relative_to(path).as_posix() for file in path.rglob("*.parquet")])
        return {split: [path / name for name in names] for split, names in groups.items()} or None

    def class_names(self, files: Files) -> tuple[str, ...]:
        """Names in label order: as the files' own metadata says, the sorted values of a text column, or the numbers."""
        with _opened(files["train"][0]) as parquet:
            column = _column(parquet, self.label_columns, files["train"][0])
            names = _stated_names((parquet.schema_arrow.metadata or {}).get(b"huggingface", b""), column)
        if names:
            return names
        values = {value for group in files.values() for file in group for value in self._values(file)}
        if not values:
            raise DataError(f"Column {column} of {files['train'][0]} holds no label: set data.label_column.")
        if all(isinstance(value, int) for value in values):
            return tuple(str(i) for i in range(max(values) + 1))
        if not all(isinstance(value, str) for value in values):
            raise DataError(f"{files['train'][0]} has labels that are neither numbers nor text: set data.label_column.")
        return tuple(sorted(values, key=natural))

    def read(self, files: Files, class_names: tuple[str, ...] = ()) -> Iterator[Encoded]:
        """Stream the rows; text labels are looked up in `class_names`."""
        for split, group in files.items():
            for file in group:
                with _opened(file) as parquet:
                    yield from self._read(split, file, parquet, class_names)

    def _read(self, split: str, file: Path, parquet: "ParquetFile", class_names: tuple[str, ...]) -> Iterator[Encoded]:
        image_column = _column(parquet, self.image_columns, file)
        label_columns = [_column(parquet, self.label_columns, file)] if self.label_columns else []
        row = 0
        for batch in _batches(parquet, [image_column, *label_columns], file):
            images = batch.column(image_column)
            labels = batch.column(label_columns[0]).to_pylist() if label_columns else [UNLABELLED] * len(images)
            data, paths = _image_bytes(images, image_column, file)
            names = [f"{file} row {row + i}" + (f" ({path})" if path else "") for i, path in enumerate(paths)]
            row += len(names)
            yield Encoded(split, data, _labels(labels, class_names, names), names)

    def _values(self, file: Path) -> set[Any]:
        with _opened(file) as parquet:
            column = _column(parquet, self.label_columns, file)
            _check_labels(parquet, column, file)
            uniques = (batch.column(column).unique() for batch in _batches(parquet, [column], file))
            return {value for unique in uniques for value in unique.to_pylist() if value is not None}


def _stated_names(metadata: bytes, column: str) -> tuple[str, ...]:
    """The class names of a column in metadata of the HF hub; empty where there are none, or they are not what they should be."""
    try:
        node = json.loads(metadata)
        for key in ("info", "features", column, "names"):
            node = node[key]
    except (ValueError, RecursionError, KeyError, TypeError, IndexError):
        return ()
    named = isinstance(node, list) and all(isinstance(name, str) for name in node) and len(set(node)) == len(node)
    return tuple(node) if named else ()


def _check_labels(parquet: "ParquetFile", column: str, file: Path) -> None:
    """Raise DataError for a column of something else than one label a row, such as one-hot vectors."""
    import pyarrow

    kind = parquet.schema_arrow.field(column).type
    if pyarrow.types.is_nested(kind):
        raise DataError(
            f"Column {column} of {file} holds {kind}, not one class number or name in each row: write the number of the class "
            "in place of a vector, or set data.label_column."
        )


def column_names(file: Path) -> list[str]:
    """Raises DataError for a file that cannot be read."""
    with _opened(file) as parquet:
        return list(parquet.schema_arrow.names)


def _opened(file: Path) -> "ParquetFile":
    import pyarrow
    from pyarrow.parquet import ParquetFile

    try:
        return ParquetFile(file, memory_map=True)
    except (pyarrow.ArrowException, OSError) as error:
        raise DataError(
            f"{file} is no readable parquet file, or truncated ({_first_line(error)}): get it again."
        ) from error


def _batches(parquet: "ParquetFile", columns: list[str], file: Path) -> Iterator[Any]:
    import pyarrow

    try:
        yield from parquet.iter_batches(batch_size=CHUNK, columns=columns)
    except (pyarrow.ArrowException, OSError) as error:
        raise DataError(f"{file} is damaged ({_first_line(error)}): get it again.") from error


def _column(parquet: "ParquetFile", candidates: tuple[str, ...], file: Path) -> str:
    names = parquet.schema_arrow.names
    for name in candidates:
        if name in names:
            return name
    raise DataError(
        f"{file} has the columns {', '.join(names)}, not {' or '.join(candidates)}:"
        " set data.image_column and data.label_column."
    )


def _image_bytes(images: Any, column: str, file: Path) -> tuple[list[bytes | Path], list[str | None]]:
    """Encoded bytes and file name of each row; an absent image becomes b"", which fails to decode by name."""
    import pyarrow

    if pyarrow.types.is_struct(images.type) and "bytes" in images.type.names:
        paths = images.field("path").to_pylist() if "path" in images.type.names else [None] * len(images)
        images = images.field("bytes")
    else:
        paths = [None] * len(images)
    if not (pyarrow.types.is_binary(images.type) or pyarrow.types.is_large_binary(images.type)):
        raise DataError(f"Column {column} of {file} holds {images.type}, not encoded images: set data.image_column.")
    return [data or b"" for data in images.to_pylist()], paths


def _labels(values: list[Any], class_names: tuple[str, ...], names: list[str]) -> np.ndarray:
    index = {name: i for i, name in enumerate(class_names)}
    numbers = [index.get(value, -1) if isinstance(value, str) else value for value in values]
    for number, name in zip(numbers, names, strict=True):
        if not isinstance(number, int):
            raise DataError(f"The label of {name} is {number!r}, not a class number or name: set data.label_column.")
    return np.array(numbers, dtype=np.int64)


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
