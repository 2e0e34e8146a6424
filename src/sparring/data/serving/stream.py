"""Which images iteration i gets, on every rank: pure functions of (seed, stream, position), so nothing is saved.

A stream is permutation(seed, name, 0), permutation(seed, name, 1), ... end to end. Chunk d is its positions
[d * B, (d + 1) * B); iteration i with n chunks uses chunks i * n ... i * n + n - 1; rank r of W takes rows
[r * B / W, (r + 1) * B / W) of each. Augmentation is drawn for the whole chunk and cut the same way.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from sparring.core.randomness import generator
from sparring.core.types import Batch


class HasIteration(Protocol):
    """What the stream reads of the run's clock."""

    iteration: int


class RawBatch(NamedTuple):
    """A training batch whose augmentation is drawn but not yet applied.

    image: (n, C, H, W) uint8.
    label: (n,) int64.
    corner: (n, 2) int64 in 0..2 * padding, top and left of the crop.
    mirror: (n,) bool.
    """

    image: Tensor
    label: Tensor
    corner: Tensor
    mirror: Tensor


BLOCK = 256  # images that lie side by side on the disk and are read for one window


def windowed(length: int, window: int, draw: torch.Generator) -> Tensor:
    """A permutation (length,) int64 whose reads stay together: blocks in random order, shuffled within windows of several.

    While a window is passed over, its `window` images alone are read from the disk, in runs of BLOCK; which blocks meet in a
    window is drawn anew for every pass.

    Args:
        window: images, rounded up to whole blocks.
    """
    blocks = torch.arange(length).split(BLOCK)
    order = torch.cat([blocks[number] for number in torch.randperm(len(blocks), generator=draw).tolist()])
    parts = order.split(-(-window // BLOCK) * BLOCK)
    return torch.cat([part[torch.randperm(len(part), generator=draw)] for part in parts])


@dataclass
class Stream:
    """An infinite shuffled pass over `length` images in chunks of `batch_size`.

    Args:
        name, seed: what the shuffles depend on.
        length: images.
        batch_size: of all ranks together.
        window: images that are shuffled among each other; None: all. See `windowed`.
    """

    name: str
    seed: int
    length: int
    batch_size: int
    window: int | None = None
    _permutations: dict[int, Tensor] = field(default_factory=dict, repr=False)

    def chunk(self, number: int) -> Tensor:
        """Positions (batch_size,) int64 in 0..length-1 of a chunk, which may run over into the next epochs."""
        epoch, start = divmod(number * self.batch_size, self.length)
        parts = [self._permutation(epoch)[start : start + self.batch_size]]
        missing = self.batch_size - len(parts[0])
        while missing > 0:
            epoch += 1
            parts.append(self._permutation(epoch)[:missing])
            missing -= len(parts[-1])
        return torch.cat(parts)

    def augmentation(self, number: int, padding: int) -> tuple[Tensor, Tensor]:
        """Corner (batch_size, 2) int64 in 0..2 * padding and mirror (batch_size,) bool of a chunk."""
        draw = generator("augment", self.seed, self.name, number)
        corner = torch.randint(0, 2 * padding + 1, (self.batch_size, 2), generator=draw)
        return corner, torch.rand(self.batch_size, generator=draw) < 0.5

    def _permutation(self, epoch: int) -> Tensor:
        if epoch not in self._permutations:
            self._permutations = {e: p for e, p in self._permutations.items() if e == epoch - 1}
            draw = generator("order", self.seed, self.name, epoch)
            whole = self.window is None or self.window >= self.length
            made = (
                torch.randperm(self.length, generator=draw) if whole else windowed(self.length, self.window or 0, draw)
            )
            self._permutations[epoch] = made
        return self._permutations[epoch]


@dataclass(frozen=True)
class TrainLoader:
    """One epoch of iterations; each item maps a stream's name to this rank's share of its chunks.

    Args:
        take: for each stream, positions of its images -> (image, label).
        streams: by name.
        chunks: chunks per iteration of each stream.
        clock: the iteration to begin at.
        iterations: of an epoch.
        rank, world_size: this process and the number of processes.
        flip: mirror half of the images.
        padding: pixels of the random crop.
    """

    take: Mapping[str, Callable[[Tensor], tuple[Tensor, Tensor]]]
    streams: dict[str, Stream]
    chunks: dict[str, int]
    clock: HasIteration
    iterations: int
    rank: int
    world_size: int
    flip: bool
    padding: int

    def __len__(self) -> int:
        return self.iterations

    def __iter__(self) -> Iterator[dict[str, list[Batch | RawBatch]]]:
        # A generator: the clock is read at the first next(), when a resumed run has restored it.
        start = self.clock.iteration
        for iteration in range(start, start + self.iterations):
            yield {name: self._draw(stream, iteration) for name, stream in self.streams.items()}

    def _draw(self, stream: Stream, iteration: int) -> list[Batch | RawBatch]:
        count = self.chunks[stream.name]
        return [self._batch(stream, number) for number in range(iteration * count, (iteration + 1) * count)]

    def _batch(self, stream: Stream, number: int) -> Batch | RawBatch:
        share = stream.batch_size // self.world_size
        rows = slice(self.rank * share, (self.rank + 1) * share)
        image, label = self.take[stream.name](stream.chunk(number)[rows])
        if not (self.flip or self.padding):
            return Batch(image, label)
        corner, mirror = stream.augmentation(number, self.padding)
        return RawBatch(image, label, corner[rows], mirror[rows] & self.flip)


@dataclass(frozen=True)
class EvalLoader:
    """The images of a split in order, in global batches of which this rank yields its share (the last may be empty).

    Args:
        take: positions -> (image, label).
        length: images.
        batch_size: of all ranks together.
        rank, world_size: this process and the number of processes.
    """

    take: Callable[[Tensor], tuple[Tensor, Tensor]]
    length: int
    batch_size: int
    rank: int
    world_size: int

    def __len__(self) -> int:
        return -(-self.length // self.batch_size)

    def __iter__(self) -> Iterator[Batch]:
        for position in torch.arange(self.length).split(self.batch_size):
            yield Batch(*self.take(position.tensor_split(self.world_size)[self.rank]))
