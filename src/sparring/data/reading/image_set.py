"""Existing images as one tensor: a run of generate.py, a folder, a parquet file, or a numpy archive."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sparring.core.errors import DataError
from sparring.core.types import UNLABELLED
from sparring.data.reading.class_match import ClassNames, match_classes
from sparring.data.reading.decode import Decoder
from sparring.data.reading.depth import DepthUnknown, measured_range
from sparring.data.reading.format.npz import Npz
from sparring.data.reading.format.parquet import Parquet, column_names
from sparring.data.reading.image_file import FORMATS, UNREADABLE, image_files, open_image
from sparring.data.reading.source import CHUNK, Encoded, Pixels
from sparring.run.kind import check_image_set
from sparring.run.search import is_run
from sparring.run.settings import read_settings

UNLABELLED_FOLDER = "unlabelled"
_MANIFEST = {"origin": dict, "settings": dict, "images_sha256": str, "files": dict}
Match = Callable[[Sequence[str]], dict[str, int]]  # class names of an image set -> which of ours each is


@dataclass(frozen=True)
class ImageSet:
    """Images with their labels.

    Args:
        image: (N, C, H, W) uint8.
        label: (N,) int64, -1 where unknown.
        origin: plain values for the record.
    """

    image: Tensor
    label: Tensor
    origin: dict[str, Any]


def read_images(
    path: Path, *, channels: int, image_size: int, class_names: Sequence[str], given: ClassNames | None = None,
    setting: str | None = None,
) -> ImageSet:  # fmt: skip
    """Every image of `path`, which must have the shape given; labels from class folders or the label column.

    Classes are matched to `class_names` as `match_classes` does it. Images of another size or channel count are refused: resized,
    they would measure the resizing.

    Args:
        path: run of generate.py, folder, parquet file, or .npz as `Npz` reads it, whose labels are class numbers.
        channels, image_size: of the images, in pixels.
        class_names: in label order.
        given, setting: as `match_classes` takes them.

    Raises:
        DataError: nothing there, an image that does not decode, another shape, or unknown classes.
        CheckpointError: a run that holds no set of images.
    """
    path = path.expanduser().absolute()
    if not path.exists():
        raise DataError(
            f"images={path} does not exist; give a run of generate, a folder of images, a parquet file or a .npz file."
        )
    origin: dict[str, Any] = {"path": str(path)}
    if (content := read_manifest(path)) is not None:
        origin |= {
            "generator": content["origin"], "settings": content["settings"], "images_sha256": content["images_sha256"]
        }  # fmt: skip
        path = _file_of(path, content["files"])
    elif is_run(path):
        check_image_set("images", path, read_settings(path))
    match = partial(match_classes, ours=class_names, what=f"images={path}", given=given, setting=setting)
    decoder = Decoder(channels, image_size, "bicubic", None, None, "fail")
    if path.suffix == ".npz":
        image, label = _npz(path, match, decoder)
        return ImageSet(image, label, origin | {"count": len(label)})
    chunks = partial(_parquet if path.suffix == ".parquet" else _folder, path, match)
    try:
        image, label = _decode(chunks(), decoder, path)
    except DepthUnknown:
        image, label = _decode(chunks(), replace(decoder, value_range=measured_range(chunks())), path)
    return ImageSet(image, label, origin | {"count": len(label)})


def read_manifest(folder: Path) -> dict[str, Any] | None:
    """What generate.py says about the images in `folder`; None where there is nothing, or another program's file of that name.

    Raises:
        DataError: `folder` is a run, and its manifest is damaged.
    """
    file = folder / "manifest.json"
    try:
        content = json.loads(file.read_text("utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, RecursionError):
        content = None
    if isinstance(content, dict) and all(isinstance(content.get(name), kind) for name, kind in _MANIFEST.items()):
        origin, files = content["origin"], content["files"]
        stated = isinstance(origin.get("run"), str) and isinstance(origin.get("fingerprints"), dict | None)
        if stated and all(isinstance(name, str) for name in files.values()):
            return content
    if is_run(folder):
        raise DataError(f"{file} is damaged, so it does not say what the images are: draw them again.")
    return None


def _file_of(run: Path, files: dict[str, str]) -> Path:
    """The images of a run of generate.py, by the `files` of its manifest."""
    for kind in ("parquet", "folder"):
        if kind in files:
            return run / files[kind]
    raise DataError(f"{run} holds a grid only; draw the images with format=[parquet] or format=[folder].")


def _folder(root: Path, match: Match) -> Iterator[Encoded]:
    files = image_files(root)
    if not files:
        raise DataError(f"images={root} holds no image file ({', '.join(FORMATS)}).")
    folders = list(
        dict.fromkeys(file.relative_to(root).parts[0] for file in files if len(file.relative_to(root).parts) > 1)
    )
    index = match([name for name in folders if name != UNLABELLED_FOLDER])
    for first in range(0, len(files), CHUNK):
        part = files[first : first + CHUNK]
        label = [index.get(file.relative_to(root).parts[0], UNLABELLED) for file in part]
        yield Encoded("train", list(part), np.array(label, dtype=np.int64), [str(file) for file in part])


def portable_name(name: str) -> str:
    """A class name in characters that every file system has."""
    return re.sub(r"[^A-Za-z0-9._-]+", "_", name)


def _parquet(file: Path, match: Match) -> Iterator[Encoded]:
    columns, reader = column_names(file), Parquet()
    if not set(columns) & set(reader.image_columns):
        raise DataError(
            f"{file} has the columns {', '.join(columns)}, none of them {' or '.join(reader.image_columns)}: rename the one of"
            " encoded images."
        )
    if not set(columns) & set(reader.label_columns):
        yield from Parquet(label_columns=()).read({"train": [file]})
        return
    names = reader.class_names({"train": [file]})
    index = match(names)
    ours = np.array([index[name] for name in names], dtype=np.int64)
    for chunk in reader.read({"train": [file]}, names):
        label = np.full_like(chunk.label, UNLABELLED)
        labelled = chunk.label >= 0
        label[labelled] = ours[chunk.label[labelled]]
        yield replace(chunk, label=label)


def _npz(file: Path, match: Match, decoder: Decoder) -> tuple[Tensor, Tensor]:
    """The images of an archive, which must have the decoder's shape; class k is the one that `match` gives to its number."""
    images, labels = [torch.empty(0, dtype=torch.uint8)], [torch.empty(0, dtype=torch.int64)]
    with ThreadPoolExecutor() as pool:
        for chunk in Npz().read({"train": [file]}):
            if isinstance(chunk, Pixels) and chunk.split == "train":
                _, channels, height, width = chunk.image.shape
                _check_size((channels, height, width), chunk.where, decoder)
                images.append(torch.from_numpy(decoder(chunk, pool)[0]))
                labels.append(torch.from_numpy(chunk.label.astype(np.int64)))
    label = torch.cat(labels)
    if not len(label):
        raise DataError(f"images={file} holds no images.")
    numbers, place = label.unique(return_inverse=True)
    index = match([str(number) for number in numbers.tolist()])
    return torch.cat(images[1:]), torch.tensor([index[str(number)] for number in numbers.tolist()])[place]


def _decode(chunks: Iterable[Encoded], decoder: Decoder, path: Path) -> tuple[Tensor, Tensor]:
    images, labels = [], []
    with ThreadPoolExecutor() as pool:
        for chunk in chunks:
            for row, data in enumerate(chunk.data):
                _check_shape(data, chunk.name[row], decoder)
            image, label, _ = decoder(chunk, pool)
            images.append(torch.from_numpy(image))
            labels.append(torch.from_numpy(label))
    if not images:
        raise DataError(f"images={path} holds no images.")
    return torch.cat(images), torch.cat(labels)


def _check_shape(data: bytes | Path, name: str, decoder: Decoder) -> None:
    try:
        with open_image(data) as image:
            shape = (len(image.getbands()), image.height, image.width)
    except UNREADABLE:
        return  # the decoder says what is wrong with it
    _check_size(shape, name, decoder)


def _check_size(shape: tuple[int, int, int], name: str, decoder: Decoder) -> None:
    """Raise DataError for images (channels, height, width) of another shape than the decoder's."""
    channels, size = decoder.channels, decoder.image_size
    if shape != (channels, size, size):
        raise DataError(
            f"{name} has {shape[0]} channels and {shape[2]}x{shape[1]} pixels, this run's data have {channels} and"
            f" {size}x{size}: convert the images, or set data.image_size and data.channels to theirs."
        )
