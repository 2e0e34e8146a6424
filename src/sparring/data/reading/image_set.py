"""Existing images as one tensor: a run of generate.py, a folder, or a parquet file."""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from sparring.core.errors import DataError
from sparring.core.types import UNLABELLED
from sparring.data.reading.decode import UNREADABLE, Decoder
from sparring.data.reading.format.parquet import Parquet, column_names
from sparring.data.reading.source import CHUNK, Encoded

UNLABELLED_FOLDER = "unlabelled"


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


def read_images(path: Path, *, channels: int, image_size: int, class_names: Sequence[str]) -> ImageSet:
    """Every image of `path`, which must have the shape given; labels from class folders or the label column.

    Class folders are matched to `class_names` by name, with or without a leading index ("3_cat"), else by their order
    if there are as many. Images of another size or channel count are refused: resized, they would measure the resizing.

    Args:
        path: run of generate.py, folder or parquet file.
        channels, image_size: of the images, in pixels.
        class_names: in label order.

    Raises:
        DataError: nothing there, an image that does not decode, another shape, or unknown classes.
    """
    path = path.expanduser().absolute()
    if not path.exists():
        raise DataError(
            f"images={path} does not exist; give a run of generate.py, a folder of images or a parquet file."
        )
    manifest = path / "manifest.json"
    origin: dict[str, Any] = {"path": str(path)}
    if (content := _manifest(manifest)) is not None:
        origin |= {
            "generator": content["origin"], "settings": content["settings"], "images_sha256": content["images_sha256"]
        }  # fmt: skip
        path = _file_of(path, content["files"])
    elif (path / "weights.safetensors").exists():
        raise DataError(
            f"images={path} is a run of train.py and no image set: draw images with python generate.py run={path}"
            " 'format=[parquet]', and give that run."
        )
    chunks = _parquet(path, class_names) if path.suffix == ".parquet" else _folder(path, class_names)
    image, label = _decode(chunks, channels=channels, image_size=image_size, path=path)
    return ImageSet(image, label, origin | {"count": len(label)})


def _manifest(file: Path) -> dict[str, Any] | None:
    """What generate.py says about its images; None where there is none, or another program's file of that name."""
    try:
        content = json.loads(file.read_text("utf-8"))
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None
    keys = {"origin", "settings", "images_sha256", "files"}
    return content if isinstance(content, dict) and content.keys() >= keys else None


def _file_of(run: Path, files: dict[str, str]) -> Path:
    """The images of a run of generate.py, by the `files` of its manifest."""
    for kind in ("parquet", "folder"):
        if kind in files:
            return run / files[kind]
    raise DataError(f"{run} holds a grid only; draw the images with format=[parquet] or format=[folder].")


def _folder(root: Path, class_names: Sequence[str]) -> Iterator[Encoded]:
    known = Image.registered_extensions()
    files = sorted(file for file in root.rglob("*") if file.suffix.lower() in known and not file.name.startswith("."))
    if not files:
        raise DataError(f"images={root} holds no image file that Pillow knows.")
    folders = sorted({file.relative_to(root).parts[0] for file in files if len(file.relative_to(root).parts) > 1})
    index = _match(folders, class_names, root)
    for first in range(0, len(files), CHUNK):
        part = files[first : first + CHUNK]
        label = [index.get(file.relative_to(root).parts[0], UNLABELLED) for file in part]
        yield Encoded("train", list(part), np.array(label, dtype=np.int64), [str(file) for file in part])


def portable_name(name: str) -> str:
    """A class name in characters that every file system has."""
    return re.sub(r"[^A-Za-z0-9._-]+", "_", name)


def _match(folders: Sequence[str], class_names: Sequence[str], root: Path) -> dict[str, int]:
    """Folder name -> class."""
    folders = [name for name in folders if name != UNLABELLED_FOLDER]
    names = {name: k for k, name in enumerate(class_names)}
    portable = [portable_name(name) for name in class_names]  # as generate.py names its folders
    indexed = {f"{k}_{name}": k for k, name in enumerate(portable)} | {str(k): k for k in range(len(class_names))}
    matched = {}
    for folder in folders:
        stripped = folder.lstrip("0") or "0"
        known = names.get(folder, indexed.get(folder, indexed.get(stripped)))
        if known is None:
            break
        matched[folder] = known
    if len(matched) == len(folders):
        return matched
    if len(folders) == len(class_names):
        return {folder: k for k, folder in enumerate(folders)}
    unknown = next(folder for folder in folders if folder not in matched)
    raise DataError(
        f"images={root} has the class folder {unknown}, which is none of the reference's {len(class_names)} classes"
        f" ({', '.join(class_names[:10])}): rename it, or put all images into one folder without classes."
    )


def _parquet(file: Path, class_names: Sequence[str]) -> Iterator[Encoded]:
    columns, reader = column_names(file), Parquet()
    if not set(columns) & set(reader.image_columns):
        raise DataError(
            f"{file} has the columns {', '.join(columns)}, none of them {' or '.join(reader.image_columns)}: rename the one of"
            " encoded images."
        )
    if not set(columns) & set(reader.label_columns):
        reader = Parquet(label_columns=())
    for chunk in reader.read({"train": [file]}, tuple(class_names)):
        if bool((chunk.label >= len(class_names)).any()):
            raise DataError(
                f"{file} has the label {int(chunk.label.max())}, this run's data have {len(class_names)} classes, counted from 0."
            )
        yield chunk


def _decode(chunks: Iterable[Encoded], *, channels: int, image_size: int, path: Path) -> tuple[Tensor, Tensor]:
    decoder = Decoder(channels, image_size, "bicubic", None, None, "fail")
    images, labels = [], []
    with ThreadPoolExecutor() as pool:
        for chunk in chunks:
            for row, data in enumerate(chunk.data):
                _check_shape(data, chunk.name[row], channels, image_size)
            image, label, _ = decoder(chunk, pool)
            images.append(torch.from_numpy(image))
            labels.append(torch.from_numpy(label))
    if not images:
        raise DataError(f"images={path} holds no images.")
    return torch.cat(images), torch.cat(labels)


def _check_shape(data: bytes | Path, name: str, channels: int, image_size: int) -> None:
    try:
        with Image.open(BytesIO(data) if isinstance(data, bytes) else data) as image:
            shape = (len(image.getbands()), image.height, image.width)
    except UNREADABLE:
        return  # the decoder says what is wrong with it
    if shape != (channels, image_size, image_size):
        raise DataError(
            f"{name} has {shape[0]} channels and {shape[2]}x{shape[1]} pixels, this run's data have {channels} and"
            f" {image_size}x{image_size}: convert the images, or set data.image_size and data.channels to theirs."
        )
