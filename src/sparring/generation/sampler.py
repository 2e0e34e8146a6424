"""Images of a generator as an iterable that needs no disk, for `generate`, metrics and studies."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from sparring.core.errors import ConfigError, DivergedError
from sparring.core.pixels import to_uint8
from sparring.core.randomness import generator as random_generator
from sparring.core.settings import check_at_least_one
from sparring.core.task import class_index
from sparring.core.types import UNLABELLED
from sparring.sampling.base import Players, Sampling
from sparring.sampling.latent.truncation import with_truncation
from sparring.sampling.plain import PlainSampling

LabelRule = Literal["balanced", "prior"] | str | int

# Convolution and matrix kernels pick their blocking by the batch's shape: in batches of 1, 7 and 128 the same latent
# gave floats up to 4e-6 apart, and about one byte in 80,000 then rounds differently. So every forward pass has BLOCK
# rows, image i always in row i % BLOCK, and `batch_size` only groups what is handed out.
BLOCK = 32


@dataclass(frozen=True)
class Samples:
    """Some images of one seed.

    index: (N,) int64, consecutive.
    label: (N,) int64, -1 from an unconditional generator.
    image: (N, C, H, W) uint8.
    """

    index: Tensor
    label: Tensor
    image: Tensor

    def __len__(self) -> int:
        return len(self.index)

    def __getitem__(self, rows: slice) -> "Samples":
        return Samples(self.index[rows], self.label[rows], self.image[rows])

    def each(self) -> Iterator[tuple[int, int, Tensor]]:
        """(index, label, (C, H, W) image) one by one."""
        return zip(self.index.tolist(), self.label.tolist(), self.image, strict=True)


def joined(parts: Iterable[Samples]) -> Samples:
    """All batches of a sampler in one."""
    parts = list(parts)
    return Samples(
        torch.cat([part.index for part in parts]),
        torch.cat([part.label for part in parts]),
        torch.cat([part.image for part in parts]),
    )


class Sampler:
    """Images `start` .. `start + count - 1` of seed `seed`, in order, in batches.

    Image i depends on the generator, the seed, i and the label and truncation rules; not on `count`, `start`,
    `batch_size` or what was drawn before.

    Args:
        generator: (latent (N, latent_dim) float32, label (N,) int64) -> (N, C, H, W) in [-1, 1], on `device`; in eval mode
            while drawing and put back afterwards.
        latent_dim: size of its latents.
        num_classes: classes that the generator knows, or `None` if it is unconditional (`label` is then ignored but for an
            integer, which is refused).
        count, start: how many images, and the index of the first.
        seed: of all latents and labels.
        label: "balanced" gives image i the class i % num_classes, "prior" draws it from `class_prior`, an integer fixes it.
        class_prior: (num_classes,) weights, needed for "prior".
        truncation: latents from a normal cut at +-truncation (BigGAN, Brock et al. 2019, section 3.1), or for stylegan2 the
            factor psi that moves styles towards their class's mean (Karras et al. 2019, appendix B); `None`: neither.
        batch_size: images of a batch.
        device: where the networks are.
        sampling: how an image comes from a latent; `None`: one pass through the generator.
        discriminator: (image, label) -> logits (N,), for the ways of sampling that need one.

    Raises:
        ConfigError: a setting out of range. DivergedError: while drawing, if the generator returns NaN or infinity.
    """

    def __init__(
        self,
        generator: nn.Module,
        *,
        latent_dim: int,
        num_classes: int | None,
        count: int,
        seed: int,
        label: LabelRule = "balanced",
        class_prior: Sequence[float] | Tensor | None = None,
        truncation: float | None = None,
        batch_size: int = 128,
        start: int = 0,
        device: torch.device | str = "cpu",
        sampling: Sampling | None = None,
        discriminator: nn.Module | None = None,
    ) -> None:
        check_at_least_one(count=count, batch_size=batch_size)
        check_label_rule(label, num_classes)
        network, threshold = with_truncation(generator, truncation, latent_dim=latent_dim)
        if label == "prior" and num_classes is not None and class_prior is None:
            raise ConfigError(
                "label=prior needs the training data's class frequencies, and none were given; use balanced."
            )
        self.generator, self.device = generator, torch.device(device)
        self.latent_dim, self.num_classes = latent_dim, num_classes
        self.count, self.start, self.seed, self.batch_size = count, start, seed, batch_size
        self.label, self.sampling = label, sampling or PlainSampling()
        if self.sampling.needs_discriminator and discriminator is None:
            raise ConfigError(
                f"{type(self.sampling).__name__} needs a discriminator, and none was given; use sampling=plain."
            )
        self.players = Players(
            network,
            discriminator,
            lambda index: self.labels(index).clamp(min=0),
            latent_dim,
            threshold,
            seed,
            self.device,
        )
        self.cumulative = None if class_prior is None else torch.as_tensor(class_prior, dtype=torch.float64).cumsum(0)

    def __len__(self) -> int:
        """Number of batches."""
        return -(-self.count // self.batch_size)

    def __iter__(self) -> Iterator[Samples]:
        networks = [network for network in (self.generator, self.players.discriminator) if network is not None]
        were_training = [network.training for network in networks]
        for network in networks:
            network.eval()
        try:
            yield from self._batches()
        finally:
            for network, was_training in zip(networks, were_training, strict=True):
                network.train(was_training)

    def labels(self, index: Tensor) -> Tensor:
        """(N,) indices -> (N,) int64 labels, -1 if the generator is unconditional."""
        if self.num_classes is None:
            return torch.full_like(index, UNLABELLED)
        if self.label == "balanced":
            return index % self.num_classes
        if self.label == "prior":
            assert self.cumulative is not None
            uniform = [torch.rand((), dtype=torch.float64, generator=self._random("label", i)) for i in index.tolist()]
            drawn = torch.searchsorted(self.cumulative, torch.stack(uniform) * self.cumulative[-1], right=True)
            return drawn.clamp_(max=self.num_classes - 1)
        return torch.full_like(index, int(self.label))

    def latents(self, index: Tensor) -> Tensor:
        """(N,) indices -> (N, latent_dim) float32 on the CPU, row by row from (seed, index) alone."""
        return self.players.latents(index, "latent")

    def _random(self, purpose: str, index: int) -> torch.Generator:
        return random_generator("generate", purpose, self.seed, index)

    def _batches(self) -> Iterator[Samples]:
        pending: list[Samples] = []
        for block in self._blocks():
            pending.append(block)
            if sum(map(len, pending)) < self.batch_size:
                continue
            samples = joined(pending)
            full = len(samples) - len(samples) % self.batch_size
            for first in range(0, full, self.batch_size):
                yield samples[first : first + self.batch_size]
            pending = [samples[full:]] if full < len(samples) else []
        if pending:
            yield joined(pending)

    def _blocks(self) -> Iterator[Samples]:
        """Blocks of BLOCK rows, cut to the images asked for; the rows that are cut off are drawn like all others."""
        stop = self.start + self.count
        for first in range(self.start - self.start % BLOCK, stop, BLOCK):
            index = torch.arange(first, first + BLOCK)
            wanted = slice(max(self.start - first, 0), stop - first)
            label = self.labels(index)
            yield Samples(index, label, self._draw(index, label))[wanted]

    def _draw(self, index: Tensor, label: Tensor) -> Tensor:
        # An unconditional network ignores the label, but may index with it.
        image = self.sampling.images(self.players, index, self.latents(index), label.clamp(min=0))
        if not bool(image.isfinite().all()):
            raise DivergedError(
                "The generator's images hold NaN or infinity: its weights are from a run that diverged."
            )
        return to_uint8(image).cpu()


def class_rule(label: LabelRule, class_names: Sequence[str]) -> LabelRule:
    """The index of a class that is given by its name, or as text by its index; a rule or an index as it is.

    Raises:
        ConfigError: no class has this name; names those that resemble it.
    """
    if not isinstance(label, str) or label in ("balanced", "prior"):
        return label
    if label.isdecimal() and label not in class_names:
        return int(label)
    if not class_names:
        return label
    try:
        return class_index(label, class_names, key="label")
    except ConfigError as error:
        raise ConfigError(f"{error} balanced and prior draw all of them.") from None


def check_label_rule(label: LabelRule, num_classes: int | None) -> None:
    """Raise ConfigError for an unknown rule, or a class that the generator does not know."""
    if isinstance(label, str) and label in ("balanced", "prior"):
        return
    if isinstance(label, bool) or not isinstance(label, int):
        raise ConfigError(f"label={label} is unknown; give balanced, prior, or the index of a class.")
    if num_classes is None:
        raise ConfigError(
            f"label={label} asks for a class, but this generator was trained without labels; leave label out."
        )
    if not 0 <= label < num_classes:
        raise ConfigError(f"label={label} is out of range: the generator knows the classes 0 to {num_classes - 1}.")
