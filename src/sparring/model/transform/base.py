"""The base of transforms of a classifier's training images."""

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from sparring.core.errors import ConfigError
from sparring.model.step.draws import Draws


class Transform:
    """A random change of the images that a classifier learns from, and of their targets.

    Random numbers are drawn for the whole batch, so that the result depends neither on the number of devices nor on
    `model.accumulate`.
    """

    def __call__(self, image: Tensor, target: Tensor, draws: Draws) -> tuple[Tensor, Tensor]:
        """Images (N, C, H, W) in [-1, 1] and class probabilities (N, K) -> the same two, changed."""
        raise TypeError(f"{type(self).__name__} must define __call__(image, target, draws)")


class ImageTransform(Transform):
    """A transform that does not change the targets."""

    def __call__(self, image: Tensor, target: Tensor, draws: Draws) -> tuple[Tensor, Tensor]:
        return self.change(image, draws), target

    def change(self, image: Tensor, draws: Draws) -> Tensor:
        """Images (N, C, H, W) in [-1, 1] -> the same shape."""
        raise TypeError(f"{type(self).__name__} must define change(image, draws)")


@torch.no_grad()
def transformed(
    transform: Mapping[str, Transform], image: Tensor, label: Tensor, num_classes: int, draws: Draws
) -> tuple[Tensor, Tensor]:
    """Images (N, C, H, W) and targets (N, K) after all transforms in their order; label: (N,)."""
    target = one_hot(label, num_classes).to(image.dtype)
    for name, each in transform.items():
        image, target = each(image, target, draws.of(name))
    return image, target


def check_share(name: str, value: float, *, least: float = 0.0, most: float = 1.0) -> float:
    """`value` if it is from `least` to `most`. name: key below model.transform. Raises ConfigError."""
    if not least <= value <= most:
        raise ConfigError(f"model.transform.{name}={value} must be from {least:g} to {most:g}.")
    return value
