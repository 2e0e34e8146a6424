"""Shards of WebDataset: tar files that hold the files of a sample side by side, `<key>.jpg` and `<key>.cls`.

The label is a number or a class name in `.cls` or `.cls.txt`, or the value of "label", "cls" or "class" in `.json`. A
split is a folder, or the beginning of a shard's name (train-000000.tar, val-000000.tar). Nothing is extracted to disk,
and a shard is read twice: for its labels, and for its images.
"""

import json
import tarfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from sparring.core.errors import ConfigError, DataError
from sparring.data.reading.format.archive import LIMIT, SUFFIXES
from sparring.data.reading.format.parquet import split_files
from sparring.data.reading.image_file import is_image
from sparring.data.reading.public import check_path
from sparring.data.reading.source import CHUNK, Encoded, Location, Reading, Source, file_identity

_LABELS = (".cls", ".cls.txt", ".json")
_IN_JSON = ("label", "cls", "class")


class Webdataset(Source):
    """Any image size, channels and classes."""

    def identity(self, location: Location) -> dict[str, Any]:
        root, splits = _shards(location)
        return {"files": file_identity((shard for shards in splits.values() for shard in shards), root)}

    def read(self, location: Location) -> Reading:
        root, splits = _shards(location)
        found = {text for shards in splits.values() for shard in shards for text in _labels(shard)}
        if all(text.isdecimal() for text in found):
            numbers = {text: int(text) for text in found}
            names = tuple(map(str, range(max(numbers.values(), default=-1) + 1)))
        else:
            names = tuple(sorted(found))
            numbers = {text: number for number, text in enumerate(names)}
        return Reading(names, _chunks(splits, numbers), {"path": str(root)})


def _shards(location: Location) -> tuple[Path, dict[str, list[Path]]]:
    """The folder, and the shards of each split; those of no split are of train."""
    keys = "hub_id", "hub_config", "revision", "image_column", "label_column"
    location.refuse(*keys, because="data=webdataset reads tar files from data.path")
    if location.path is None:
        raise ConfigError("data=webdataset needs data.path=<folder of tar files>.")
    check_path(location.path)
    if location.path.is_file():
        return location.path.parent, {"train": [location.path]}
    names = [file.relative_to(location.path).as_posix() for file in location.path.rglob("*") if _is_shard(file)]
    if not names:
        raise DataError(
            f"data.path={location.path} holds no tar files: data=webdataset reads shards such as train-000000.tar."
        )
    return location.path, {
        split: [location.path / name for name in group] for split, group in split_files(names).items()
    }


def _is_shard(file: Path) -> bool:
    return file.name.endswith(SUFFIXES) and file.is_file()


def _chunks(splits: dict[str, list[Path]], numbers: dict[str, int]) -> Iterator[Encoded]:
    for split, shards in splits.items():
        data: list[bytes | Path] = []
        label: list[int] = []
        name: list[str] = []
        for shard in shards:
            for key, image, text in _samples(shard):
                data.append(image)
                label.append(numbers[text])
                name.append(f"{shard}:{key}")
                if len(data) == CHUNK:
                    yield Encoded(split, data, np.array(label, dtype=np.int64), name)
                    data, label, name = [], [], []
        if data:
            yield Encoded(split, data, np.array(label, dtype=np.int64), name)


def _labels(shard: Path) -> Iterator[str]:
    """Those of all samples; images are passed over."""
    for _, files in _members(shard, only_labels=True):
        for suffix, content in files.items():
            if suffix in _LABELS:
                yield _label(content, suffix, shard)
                break


def _samples(shard: Path) -> Iterator[tuple[str, bytes, str]]:
    """(key, bytes of the image, label) of each sample. Raises DataError where one of the files is missing."""
    for key, files in _members(shard, only_labels=False):
        image = next((content for suffix, content in files.items() if suffix not in _LABELS), None)
        suffix = next((suffix for suffix in _LABELS if suffix in files), None)
        if image is None or suffix is None:
            raise DataError(
                f"Sample {key} of {shard} has no {'image' if image is None else 'label (.cls or .json)'} beside it: a sample is "
                f"files of one name, such as {key}.jpg and {key}.cls."
            )
        yield key, image, _label(files[suffix], suffix, shard)


def _members(shard: Path, *, only_labels: bool) -> Iterator[tuple[str, dict[str, bytes]]]:
    """(key, {suffix: content}) of the samples, whose files follow each other; files of other kinds are left out."""
    key, files = "", dict[str, bytes]()
    try:
        with tarfile.open(shard, "r:" if only_labels and shard.suffix == ".tar" else "r|*") as tar:
            for member in tar:
                path = PurePosixPath(member.name)
                stem, dot, rest = path.name.partition(".")
                suffix = f"{dot}{rest}".lower()
                if (
                    not member.isfile()
                    or not stem
                    or not (suffix in _LABELS or (is_image(path.name) and not only_labels))
                ):
                    continue
                if member.size > LIMIT:
                    raise DataError(f"{shard}:{member.name} has {member.size:,} bytes, more than an image may have.")
                if (present := str(path.with_name(stem))) != key:
                    if files:
                        yield key, files
                    key, files = present, {}
                opened = tar.extractfile(member)
                assert opened is not None
                files[suffix] = opened.read()
                tar.members = []  # type: ignore[attr-defined]  # tarfile keeps every header it has seen
    except (tarfile.TarError, OSError, EOFError) as error:
        raise DataError(f"{shard} cannot be read as a tar file ({error}): get it again.") from error
    if files:
        yield key, files


def _label(content: bytes, suffix: str, shard: Path) -> str:
    try:
        if suffix != ".json":
            return content.decode().strip()
        facts = json.loads(content)
        return str(next(facts[name] for name in _IN_JSON if name in facts)).strip()
    except (ValueError, TypeError, StopIteration) as error:
        why = str(error) or "its json has no label, cls or class"
        raise DataError(
            f'{shard} has a label that cannot be read ({why}): expected a number or a name in .cls, or {{"label": ...}} in .json.'
        ) from error
