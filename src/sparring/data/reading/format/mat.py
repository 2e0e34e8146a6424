"""SVHN's cropped digits: `{train,test}_32x32.mat` with X (32, 32, 3, N) uint8 and y (N, 1), where 10 means 0."""

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from sparring.core.errors import DataError
from sparring.data.reading.format import Files, check_unpacked
from sparring.data.reading.source import Chunk, slices

NAMES = {"train": "train_32x32.mat", "test": "test_32x32.mat"}


class Mat:
    """SVHN, cropped digits."""

    description = "train_32x32.mat and test_32x32.mat"

    def find(self, path: Path) -> Files | None:
        if path.is_file():
            return {"train": [path]} if path.suffix == ".mat" else None
        files = {split: [path / name] for split, name in NAMES.items() if (path / name).is_file()}
        return files if "train" in files else None

    def read(self, files: Files) -> Iterator[Chunk]:
        for split, (file,) in files.items():
            yield from slices(split, *_load(file), str(file))


def _load(file: Path) -> tuple[np.ndarray, np.ndarray]:
    from scipy.io import loadmat, whosmat

    try:
        for _, shape, _ in whosmat(file):
            check_unpacked(math.prod(shape), file)
        fields = loadmat(file, variable_names=["X", "y"])
        image, label = fields["X"], fields["y"].reshape(-1).astype(np.int64)
    except DataError:
        raise
    except Exception as error:  # scipy has no common class for broken files
        raise DataError(
            f"{file} is no readable .mat file with X and y or is truncated ({error}): get it again."
        ) from error
    if image.dtype != np.uint8 or image.ndim != 4 or image.shape[3] != len(label):
        raise DataError(
            f"{file} holds X {image.shape} {image.dtype} and {len(label)} labels, not (H, W, C, N) uint8 with N labels."
        )
    return image.transpose(3, 2, 0, 1), label % 10
