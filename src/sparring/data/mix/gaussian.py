"""Negative control for a generator: a Gaussian per class, fitted to the labelled training images in pixel space."""

import hashlib

import torch
from torch import Tensor

from sparring.core.errors import ConfigError, DataError
from sparring.core.randomness import generator
from sparring.data.mix.base import Context, Mix, Pool, in_memory_images, per_class

MAX_PER_CLASS = 5000  # images where no count is given
BATCH = 1024


class Gaussian(Mix):
    """Mean and shrunk covariance of each class: (1 - s) * S + s * (trace S / D) * I (Ledoit and Wolf 2004).

    Args:
        fraction: share of each batch that comes from the pool, 0 to 1.
        per_class: images drawn of each class; None: ten times its training images, at most 5,000.
        shrinkage: s in 0..1; None: Ledoit and Wolf's estimate of the best one.

    Raises:
        ConfigError: a number out of range.
    """

    def __init__(self, *, fraction: float, per_class: int | None, shrinkage: float | None) -> None:
        super().__init__(fraction=fraction)
        if per_class is not None and per_class < 1:
            raise ConfigError(f"data.mix.per_class={per_class} must be at least 1.")
        if shrinkage is not None and not 0 <= shrinkage <= 1:
            raise ConfigError(f"data.mix.shrinkage={shrinkage} must be from 0 to 1.")
        self.per_class, self.shrinkage = per_class, shrinkage

    def pool(self, context: Context) -> Pool:
        images, labels, used = [], [], []
        for k, name in enumerate(context.class_names):
            rows = (context.train.label == k).nonzero().flatten()
            if len(rows) < 2:
                raise DataError(
                    f"Class {name} has {len(rows)} training image, a Gaussian needs 2: give it more labels."
                )
            flat = context.train.take(rows)[0].cpu().flatten(1).double()
            share = estimated_shrinkage(flat) if self.shrinkage is None else self.shrinkage
            count = self.per_class or min(MAX_PER_CLASS, 10 * len(rows))
            images.append(drawn(flat, share, count, generator("gaussian", context.seed, k)))
            labels.append(torch.full((count,), k))
            used.append(round(share, 4))
        image = torch.cat(images).view(-1, *context.train.pixels.shape[1:])
        label = torch.cat(labels)
        origin = {"shrinkage": used, "per_class": per_class(label, context.shape.num_classes)}
        digest = hashlib.sha256(image.numpy().tobytes()).hexdigest()
        return Pool(in_memory_images(image, label, digest), foreign=False, labelled=True, provenance=(), origin=origin)


def estimated_shrinkage(flat: Tensor) -> float:
    """The best share of the identity for samples (n, D), 0 to 1: Ledoit and Wolf 2004, lemmas 3.2 to 3.4."""
    n, size = flat.shape
    centred = (flat - flat.mean(0)).double()
    products = (
        centred @ centred.T if n < size else centred.T @ centred
    )  # either has the sum of squares of the covariance
    squares = float(products.square().sum()) / n**2
    variance = float(centred.square().sum()) / n  # over all directions
    away = squares - variance**2 / size  # of the covariance from a multiple of the identity, squared
    noise = (float(centred.square().sum(1).square().sum()) / n - squares) / n  # of the covariance, by chance
    return min(max(noise / away, 0.0), 1.0) if away > 0 else 1.0


def drawn(flat: Tensor, shrinkage: float, count: int, random: torch.Generator) -> Tensor:
    """(count, D) uint8, rounded and clamped, from the Gaussian fitted to samples.

    The covariance itself is not needed: with X the centred samples, g and h standard normal and m the mean variance,
    sqrt((1 - s) / n) * X^T g + sqrt(s * m) * h has it exactly.

    Args:
        flat: samples (n, D) in 0..255, float64.
        shrinkage: s in 0..1.
        count: images to draw.
        random: of the draws.
    """
    mean = flat.mean(0)
    centred = (flat - mean).float()
    scale = (shrinkage * centred.double().var(0, correction=0).mean()).sqrt().float()
    parts = []
    for size in [min(BATCH, count - first) for first in range(0, count, BATCH)]:
        along = torch.randn(size, len(flat), generator=random) * ((1 - shrinkage) / len(flat)) ** 0.5
        apart = torch.randn(size, flat.shape[1], generator=random)
        value = mean.float() + along @ centred + scale * apart
        parts.append(value.round().clamp(0, 255).to(torch.uint8))
    return torch.cat(parts)
