"""CIFAR-10-C as published (Hendrycks and Dietterich 2019): <corruption>.npy and labels.npy in one folder."""

from pathlib import Path

import numpy as np
import torch

from sparring.core.errors import DataError
from sparring.core.types import Batch

BLOCKS = 5  # severities, one after the other in each file


def names(folder: Path) -> list[str]:
    """The corruptions that have a file. Raises DataError where there is none."""
    corruptions = sorted(file.stem for file in folder.glob("*.npy") if file.stem != "labels")
    if not corruptions or not (folder / "labels.npy").is_file():
        raise DataError(f"{folder} holds no CIFAR-10-C: expected labels.npy and files such as gaussian_noise.npy.")
    return corruptions


def read(folder: Path, name: str, severity: int) -> Batch:
    """uint8 (N, 3, H, W) images of one corruption and severity 1 to 5, with labels.

    Raises:
        DataError: a file is missing or has another shape.
    """
    image, label = _array(folder / f"{name}.npy"), _array(folder / "labels.npy")
    if image.ndim != 4 or image.dtype != np.uint8 or len(image) % BLOCKS or len(image) != len(label):
        raise DataError(
            f"{folder / name}.npy holds {image.dtype} of shape {image.shape} for {len(label)} labels, expected uint8 "
            "(5 x images, height, width, channels) and as many labels."
        )
    size = len(image) // BLOCKS
    rows = slice((severity - 1) * size, severity * size)
    pixels = torch.from_numpy(np.array(image[rows])).permute(0, 3, 1, 2).contiguous()
    return Batch(pixels, torch.from_numpy(np.array(label[rows])).long())


def _array(path: Path) -> np.ndarray:
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read as an array of numbers; fetch CIFAR-10-C again.") from error
