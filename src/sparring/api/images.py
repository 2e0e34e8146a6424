"""Images and labels as users hold them, checked and brought to what the package works with."""

from collections.abc import Mapping, Sized
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sparring.core.errors import DataError
from sparring.core.pixels import normalise, to_uint8
from sparring.core.settings import IN_FLIGHT
from sparring.core.types import UNLABELLED
from sparring.data.arrays import ArraySplit, Content

SPLITS = ("train", "test")


def pixels(images: Any, *, name: str = "images") -> Tensor:
    """uint8 (N, C, H, W), N >= 1, on the CPU.

    Args:
        images: a tensor, array or list (N, C, H, W): uint8 as it is; floats from 0 to 1, or from -1 to 1 if any is below 0, to
            the nearest of 256 levels.
        name: what a message calls them.

    Raises:
        DataError: another type, shape or range.
    """
    given = _checked(images, name)
    if given.dtype == torch.uint8:
        return given
    low, high = (float(each) for each in given.aminmax())
    if not -1 <= low <= high <= 1:  # also where they are NaN
        raise DataError(
            f"{name} are {given.dtype} from {low:g} to {high:g}: give uint8, or floats from 0 to 1 or from -1 to 1."
        )
    return to_uint8(given if low < 0 else given.float() * IN_FLIGHT - 1)


def in_flight(images: Any, *, name: str = "images") -> Tensor:
    """float32 (N, C, H, W) in [-1, 1], N >= 1, on the CPU, of uint8 images or floats in [0, 1].

    Raises:
        DataError: another type, shape or range.
    """
    given = _checked(images, name)
    if given.dtype == torch.uint8:
        return normalise(given)
    low, high = (float(each) for each in given.aminmax())
    if not 0 <= low <= high <= 1:
        raise DataError(f"{name} are {given.dtype} from {low:g} to {high:g}: give uint8, or floats from 0 to 1.")
    return given.float() * IN_FLIGHT - 1


def unit_range(image: Tensor) -> Tensor:
    """float32 in [0, 1] of images uint8, or float in [-1, 1]."""
    return image.float() / 255 if image.dtype == torch.uint8 else (image + 1) / IN_FLIGHT


def classes_of(labels: Any, count: int, *, unknown: bool = False, name: str = "labels") -> Tensor:
    """int64 (count,), on the CPU.

    Args:
        unknown: whether -1 may stand for an unknown label.
        name: what a message calls them.

    Raises:
        DataError: no whole numbers, not one per image, or below 0.
    """
    try:
        label = torch.as_tensor(labels).detach().cpu()
    except (TypeError, ValueError, RuntimeError) as error:
        raise DataError(
            f"{name} are of the type {type(labels).__name__}: give whole numbers from 0 on, one per image."
        ) from error
    if label.dtype.is_floating_point or label.dtype.is_complex or label.dtype == torch.bool:
        raise DataError(f"{name} are {label.dtype}: give whole numbers from 0 on, one per image.")
    if label.shape != (count,):
        raise DataError(f"{name} have the shape {tuple(label.shape)} for {count} images: give one per image.")
    lowest = UNLABELLED if unknown else 0
    if len(label) and int(label.min()) < lowest:
        raise DataError(f"{name} hold {int(label.min())}: classes are counted from 0.")
    return label.long()


def content_of(data: Any) -> Content:
    """A data set as the user holds it.

    Args:
        data: a pair (images, labels), a torch data set of (image, label), or {"train": ..., "test": ...} of either. A data set's
            `classes` name the labels, where it has them.

    Raises:
        DataError: it is none of these, or `pixels` or `classes_of` refuse it.
    """
    splits = data if isinstance(data, Mapping) else {"train": data}
    if "train" not in splits or not set(splits) <= set(SPLITS):
        raise DataError(f'data has the splits {", ".join(map(str, splits))}: give "train", and "test" if there is one.')
    held = {split: _split(part, "data" if part is data else f"data[{split!r}]") for split, part in splits.items()}
    count = 1 + max(int(part.label.max()) for part in held.values())
    names = tuple(map(str, getattr(splits["train"], "classes", None) or range(count)))
    if len(names) < count:
        raise DataError(f"data.classes names {len(names)} classes and the labels reach {count - 1}: name every class.")
    return Content(held, names)


def _split(part: Any, name: str) -> ArraySplit:
    if isinstance(part, tuple | list) and len(part) == 2:
        image, label = part
    elif hasattr(part, "__getitem__") and isinstance(part, Sized) and not isinstance(part, Tensor | np.ndarray | str):
        image, label = _collected(part, name)
    else:
        raise DataError(
            f"{name} is of the type {type(part).__name__}: give a pair (images, labels), or a torch data set of such pairs."
        )
    image = pixels(image, name=f"the images of {name}")
    if image.shape[2] != image.shape[3]:
        height, width = image.shape[2:]
        raise DataError(f"the images of {name} are {height} x {width} pixels: cut or pad them to squares.")
    return ArraySplit(image.numpy(), classes_of(label, len(image), name=f"the labels of {name}").numpy())


def _collected(part: Any, name: str) -> tuple[Tensor, Tensor]:
    """All images and labels of a torch data set."""
    images, labels = [], []
    for index in range(len(part)):
        try:
            image, label = part[index]
        except (TypeError, ValueError) as error:
            raise DataError(
                f"item {index} of {name} is no pair (image, label): give a data set of such pairs."
            ) from error
        images.append(image if isinstance(image, Tensor) else _from_picture(image))
        labels.append(int(label))
    shapes = {tuple(image.shape) for image in images}
    if len(shapes) != 1:
        raise DataError(
            f"the images of {name} have {len(shapes)} shapes: bring them to one size, for example with a transform."
        )
    return torch.stack(images), torch.tensor(labels)


def _from_picture(image: Any) -> Tensor:
    """(C, H, W) of a picture or array, whose channels come last where it has three axes."""
    array = np.asarray(image)
    return torch.from_numpy(array[None] if array.ndim == 2 else np.moveaxis(array, -1, 0).copy())


def _checked(images: Any, name: str) -> Tensor:
    if isinstance(images, np.ndarray) and not images.flags.writeable:
        images = images.copy()  # torch warns of what it cannot write to
    try:
        given = torch.as_tensor(images).detach().cpu()
    except (TypeError, ValueError, RuntimeError) as error:
        raise DataError(
            f"{name} are of the type {type(images).__name__}: give a tensor or array (N, C, H, W)."
        ) from error
    if given.ndim == 4 and given.shape[3] in (1, 3) and given.shape[1] not in (1, 3):
        raise DataError(
            f"{name} have the shape {tuple(given.shape)} with channels last: give (N, C, H, W), for example "
            "images.transpose(0, 3, 1, 2) of an array, or images.permute(0, 3, 1, 2) of a tensor."
        )
    if given.ndim != 4 or not given.numel():
        hint = ", for example images[:, None] for grey ones" if given.ndim == 3 else ""
        raise DataError(f"{name} have the shape {tuple(given.shape)}: give (N, C, H, W), at least one image{hint}.")
    if given.dtype != torch.uint8 and not given.dtype.is_floating_point:
        raise DataError(f"{name} are {given.dtype}: give uint8, or floats from 0 to 1.")
    return given
