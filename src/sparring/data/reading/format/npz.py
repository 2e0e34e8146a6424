"""numpy archives: arrays of images (N, H, W), (N, H, W, C) or (N, C, H, W) uint8 and labels under the usual names."""

import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from sparring.core.errors import DataError
from sparring.data.reading.format import Files, check_unpacked
from sparring.data.reading.source import Chunk, slices

# (images, labels) of train and test: Keras, MedMNIST, plain names, and those of published sets of generated images.
TRAIN = (
    ("x_train", "y_train"), ("train_images", "train_labels"), ("images", "labels"), ("image", "label"), ("arr_0", "arr_1"),
)  # fmt: skip
TEST = (("x_test", "y_test"), ("test_images", "test_labels"))


class Npz:
    """One archive with the images and labels of train, and perhaps of test."""

    description = "an .npz with x_train, y_train, x_test, y_test (or train_images, ..., or images and labels)"

    def find(self, path: Path) -> Files | None:
        files = sorted(path.glob("*.npz")) if path.is_dir() else [path] if path.suffix == ".npz" else []
        if len(files) > 1:
            raise DataError(f"{path} holds {len(files)} .npz files: give the one to read as data.path.")
        return {"train": files} if files else None

    def read(self, files: Files) -> Iterator[Chunk]:
        file = files["train"][0]
        try:
            with np.load(file, allow_pickle=False) as arrays:
                for member in arrays.zip.infolist() if arrays.zip is not None else ():
                    check_unpacked(member.file_size, file)
                train = _pair(arrays, TRAIN)
                if train is None:
                    raise DataError(f"{file} holds {', '.join(arrays.files)}; expected {self.description}.")
                yield from slices("train", *_checked(arrays, train, file), f"{file}:{train[0]}")
                test = _pair(arrays, TEST)
                if test is not None:
                    yield from slices("test", *_checked(arrays, test, file), f"{file}:{test[0]}")
        except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            raise DataError(f"{file} is no readable .npz file or is truncated ({error}): get it again.") from error


def _pair(arrays: np.lib.npyio.NpzFile, names: tuple[tuple[str, str], ...]) -> tuple[str, str] | None:
    return next((pair for pair in names if pair[0] in arrays.files and pair[1] in arrays.files), None)


def _checked(arrays: np.lib.npyio.NpzFile, names: tuple[str, str], file: Path) -> tuple[np.ndarray, np.ndarray]:
    image, label = arrays[names[0]], arrays[names[1]]
    label = label.reshape(-1) if label.ndim == 2 and label.shape[1] == 1 else label
    if image.ndim == 3:
        image = image[:, None]
    elif image.ndim == 4 and image.shape[3] in (1, 3):
        image = image.transpose(0, 3, 1, 2)
    if image.ndim != 4 or image.shape[1] not in (1, 3) or image.dtype != np.uint8:
        raise DataError(f"{file}:{names[0]} is {image.shape} {image.dtype}, not uint8 images with 1 or 3 channels.")
    if label.shape != (len(image),) or label.dtype.kind not in "iu":
        raise DataError(
            f"{file}:{names[1]} is {label.shape} {label.dtype}, not one integer for each of {len(image)} images."
        )
    return image, label
