"""Mixed data: a share of every training batch is taken from a pool of other images; the batch keeps its size.

Shape legend: k positions, N images, C channels, H and W pixels, K classes.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from sparring.core.errors import ConfigError
from sparring.core.randomness import generator
from sparring.core.transfer import sent
from sparring.core.types import ImageShape
from sparring.data.serving.provenance import Provenance
from sparring.data.serving.storage import Images
from sparring.data.serving.stream import Stream


@dataclass(frozen=True)
class Context:
    """What a mix may use.

    Args:
        train: training images in use.
        unused: training images that the subset of labels leaves out.
        shape, class_names: of the data.
        seed: of the run.
        runs: earlier runs.
        whole_train: the data set's whole train split, as a record of what a generator of the name given was trained on.
        cut_from_train: those of val and test that are a part of that split.
    """

    train: Images
    unused: Images
    shape: ImageShape
    class_names: tuple[str, ...]
    seed: int
    runs: "EarlierRuns"
    whole_train: Callable[[str], Provenance]
    cut_from_train: tuple[str, ...]


@dataclass(frozen=True)
class Pool:
    """The images to mix in.

    Args:
        images: with the labels that they are trained with.
        foreign: whether their pixels come from outside this run's train split, which is then checked against val and test.
        labelled: for images of the train split, whether their true labels are used.
        provenance: what the networks that made, labelled or filtered them were trained on.
        origin: plain values for the record.
        extra_labels: allow networks that used labels of training images which this run does not have.
    """

    images: Images
    foreign: bool
    labelled: bool
    provenance: tuple[Provenance, ...]
    origin: dict[str, Any]
    extra_labels: bool = False


class Mix(ABC):
    """Base of the mixes.

    Args:
        fraction: share of each batch that comes from the pool, 0 to 1; the rest are real images.

    Raises:
        ConfigError: a fraction out of range.
    """

    def __init__(self, *, fraction: float) -> None:
        if not 0 <= fraction <= 1:
            raise ConfigError(f"data.mix.fraction={fraction} must be from 0 to 1: the share of each batch.")
        self.fraction = fraction

    @abstractmethod
    def pool(self, context: Context) -> Pool:
        """Read, draw, label and filter the images. Raises ConfigError, DataError or CheckpointError."""

    def rows(self, batch_size: int) -> int:
        """Images of a batch that come from the pool. Raises ConfigError where a fraction above 0 rounds to none."""
        return mixed_rows(self.fraction, batch_size)


def mixed_rows(fraction: float, batch_size: int) -> int:
    """`fraction` of a batch, in images. Raises ConfigError where a fraction above 0 rounds to none."""
    count = round(fraction * batch_size)
    if fraction > 0 and count == 0:
        raise ConfigError(
            f"data.mix.fraction={fraction} of data.batch_size={batch_size} rounds to no image: raise one of them."
        )
    return count


@dataclass
class MixedStream(Stream):
    """A stream whose chunks hold `mixed` positions of a pool, at random places of the batch.

    Positions 0..length-1 are real images, length..length+pool-1 those of the pool. Real images follow the stream `name` of
    chunks of batch_size - mixed, the pool a stream of its own; so neither depends on the other.

    pool: images in the pool. mixed: how many of each chunk come from it.
    """

    pool: int = 0
    mixed: int = 0
    _real: Stream = field(init=False, repr=False)
    _other: Stream = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._real = Stream(self.name, self.seed, self.length, self.batch_size - self.mixed, self.window)
        self._other = Stream(f"{self.name}/mix", self.seed, self.pool, self.mixed)

    def chunk(self, number: int) -> Tensor:
        parts = [self._real.chunk(number), self._other.chunk(number) + self.length]
        place = torch.randperm(self.batch_size, generator=generator("mix", self.seed, self.name, number))
        return torch.cat(parts)[place]


@dataclass(frozen=True)
class MixedImages:
    """Real images and those of a pool, by the positions of a `MixedStream`."""

    real: Images
    pool: Images

    def take(self, positions: Tensor) -> tuple[Tensor, Tensor]:
        """image (k, C, H, W) uint8 and label (k,) int64, on the device of the real images."""
        mixed = positions >= len(self.real)
        image, label = self.real.take(positions[~mixed])
        other, other_label = self.pool.take(positions[mixed] - len(self.real))
        back = torch.cat([(~mixed).nonzero(), mixed.nonzero()]).flatten().argsort()
        back = sent(back, image.device)
        return (
            torch.cat([image, other.to(image.device)])[back],
            torch.cat([label, other_label.to(label.device)])[back],
        )


def stream_of(
    name: str, seed: int, length: int, batch_size: int, window: int | None, pool: Pool | None, mix: Mix | None
) -> Stream:
    """The stream of `length` real images, with those of the pool where there is one."""
    if pool is None or mix is None:
        return Stream(name, seed, length, batch_size, window)
    return MixedStream(name, seed, length, batch_size, window, pool=len(pool.images), mixed=mix.rows(batch_size))


def reader_of(real: Images, pool: Images | None) -> Callable[[Tensor], tuple[Tensor, Tensor]]:
    """Positions (k,) of `stream_of` -> image (k, C, H, W) uint8 and label (k,) int64."""
    return real.take if pool is None else MixedImages(real, pool).take


def in_memory_images(image: Tensor, label: Tensor, sha256: str) -> Images:
    """Images (N, C, H, W) uint8 with labels (N,) int64 that belong to no cached split."""
    return Images(image, torch.arange(len(label)), label, sha256)


def per_class(label: Tensor, num_classes: int) -> list[int]:
    """Images of each class."""
    return torch.bincount(label, minlength=num_classes).tolist()


@dataclass(frozen=True)
class Scorer:
    """A trained network that labels or filters images.

    Args:
        score: (image (N, C, H, W) uint8, label (N,)) -> logits (N, K) of a classifier or (N,) of a discriminator.
        provenance: what it was trained on.
        origin: plain values for the record.
    """

    score: Callable[[Tensor, Tensor], Tensor]
    provenance: tuple[Provenance, ...]
    origin: dict[str, Any]


class EarlierRuns(Protocol):
    """Earlier runs as a mix sees them; the stage that trains hands them in. key: the setting that names a run, for messages."""

    def find(self, given: str) -> Path:
        """The directory that a run's name as typed means; as typed where there is none."""
        ...

    def classifier(self, given: str, context: Context, key: str) -> Scorer:
        """Raises CheckpointError: no such run, or no classifier. DataError: other classes or another image shape."""
        ...

    def discriminator(self, given: str, context: Context, key: str) -> Scorer:
        """The discriminator of a GAN's run. Raises as `classifier`."""
        ...
