"""RandAugment (Cubuk et al. 2020): a few operations per image, drawn from a list, all of one magnitude."""

from collections.abc import Callable
from math import pi

import torch
from torch import Tensor

from sparring.core.errors import ConfigError
from sparring.model.augment.math.affine import resample, rotation, translation
from sparring.model.step.draws import Draws
from sparring.model.transform.base import ImageTransform, check_share
from sparring.model.transform.math import pixel


class RandAugment(ImageTransform):
    """A number of OPERATIONS per image, drawn with replacement.

    The paper's list without equalize. Images are reflected beyond their edge, where the paper fills in grey.

    Args:
        operations: the paper's N. magnitude: 0 to 10, the paper's M.

    Raises:
        ConfigError: a setting out of range.
    """

    def __init__(self, *, operations: int, magnitude: float) -> None:
        if operations < 0:
            raise ConfigError(f"model.transform.randaugment.operations={operations} must be 0 or more.")
        self.operations, self.magnitude = operations, check_share("randaugment.magnitude", magnitude, most=10)

    def change(self, image: Tensor, draws: Draws) -> Tensor:
        for number in range(self.operations):
            drawn = draws.uniform(f"operation {number}", 2)
            chosen = (drawn[:, 0] * len(OPERATIONS)).long()
            strength = torch.where(drawn[:, 1] < 0.5, -self.magnitude, self.magnitude) / 10
            image = apply(image, chosen, strength)
        return image


def apply(image: Tensor, chosen: Tensor, strength: Tensor) -> Tensor:
    """Images (N, C, H, W), each changed by its operation: chosen (N,) indices of OPERATIONS, strength (N,) in [-1, 1]."""
    result = torch.empty_like(image)
    for number, operation in enumerate(OPERATIONS.values()):
        rows = (chosen == number).nonzero().flatten()
        if len(rows):
            result[rows] = operation(image[rows], strength[rows])
    return result


def rotate(image: Tensor, strength: Tensor) -> Tensor:
    """By up to 30 degrees."""
    return resample(image, rotation(strength * (pi / 6)))


def shear(image: Tensor, strength: Tensor, *, axis: int) -> Tensor:
    """By up to 0.3. axis 0: rows are moved along x, 1: columns along y."""
    matrix = torch.eye(3, dtype=strength.dtype, device=strength.device).repeat(len(image), 1, 1)
    matrix[:, axis, 1 - axis] = 0.3 * strength
    return resample(image, matrix)


def move(image: Tensor, strength: Tensor, *, axis: int) -> Tensor:
    """By up to 0.3 of the side, in whole pixels. axis 0: along x, 1: along y."""
    side = image.shape[3 - axis]
    distance = (0.3 * side * strength).round() * (2 / side)
    zero = torch.zeros_like(distance)
    return resample(image, translation(distance, zero) if axis == 0 else translation(zero, distance))


OPERATIONS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "identity": lambda image, s: image,
    "rotate": rotate,
    "shear_x": lambda image, s: shear(image, s, axis=0),
    "shear_y": lambda image, s: shear(image, s, axis=1),
    "translate_x": lambda image, s: move(image, s, axis=0),
    "translate_y": lambda image, s: move(image, s, axis=1),
    "brightness": lambda image, s: pixel.brightness(image, 1 + 0.9 * s),
    "contrast": lambda image, s: pixel.contrast(image, 1 + 0.9 * s),
    "saturation": lambda image, s: pixel.saturation(image, 1 + 0.9 * s),
    "sharpness": lambda image, s: pixel.sharpness(image, 1 + 0.9 * s),
    "posterize": lambda image, s: pixel.posterize(image, 8 - (4 * s.abs()).round()),
    "solarize": lambda image, s: pixel.solarize(image, 1 - 2 * s.abs()),
    "autocontrast": lambda image, s: pixel.autocontrast(image),
}
