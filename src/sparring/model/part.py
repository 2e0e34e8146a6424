"""What the adversarial step hands around: a part of a batch, images with D's judgement of them, and random draws."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from sparring.model.game import Game


@dataclass(frozen=True)
class Draws:
    """Random numbers for the images of one part of one step, a row each.

    Every device draws the numbers of the whole batch and takes its rows, so that results do not depend on the number of
    devices or parts. The same purpose always gives the same numbers.
    """

    game: Game
    rows: slice
    key: tuple[str | int, ...]

    def uniform(self, purpose: str, *shape: int) -> Tensor:
        """(N, *shape), uniform on [0, 1)."""
        return self._rows(purpose, shape, torch.rand)

    def normal(self, purpose: str, *shape: int) -> Tensor:
        """(N, *shape), standard normal."""
        return self._rows(purpose, shape, torch.randn)

    def index(self) -> Tensor:
        """(N,) int64 on the CPU: numbers of the images in the whole batch, for what draws an image at a time."""
        return self.game.share(torch.arange(self.game.batch_size))[self.rows]

    def of(self, *more: str) -> "Draws":
        """Draws for another purpose."""
        return Draws(self.game, self.rows, (*self.key, *more))

    def _rows(self, purpose: str, shape: tuple[int, ...], draw: Callable[..., Tensor]) -> Tensor:
        game = self.game
        generator = game.random(purpose, *self.key)
        whole = draw((game.batch_size, *shape), device=game.device, dtype=game.weight_dtype(), generator=generator)
        return game.share(whole)[self.rows]


class Part(NamedTuple):
    """One part of a step's chunk: real images with labels (None where the step needs none), latents, fake labels."""

    image: Tensor | None
    label: Tensor | None
    latent: Tensor
    fake_label: Tensor
    draws: Draws


class Judged(NamedTuple):
    """Images as D saw them, and what it made of them.

    image (N, C, H, W); label (N,); features (N, F) before D's head; logits (N,).
    """

    image: Tensor
    label: Tensor
    features: Tensor
    logits: Tensor


@dataclass(frozen=True)
class View:
    """What a penalty may look at in one part of a step.

    discriminator: (image, label) -> logits. generator: (latent, label) -> image. show: the augmentation of this step's
    generated images, with the same random numbers at every call. latent: what `fake` was generated from.
    """

    discriminator: nn.Module
    generator: nn.Module
    show: Callable[[Tensor], Tensor]
    fake: Judged
    latent: Tensor
    draws: Draws


@dataclass(frozen=True)
class DiscriminatorView(View):
    """A discriminator step: real and generated images; the generated ones carry no graph back to G."""

    real: Judged


@dataclass(frozen=True)
class GeneratorView(View):
    """A generator step. plain: the generated images (N, C, H, W) before augmentation, with their graph.

    real: real images without a graph, where the loss or a due penalty compares.
    """

    plain: Tensor
    real: Judged | None = None


@contextmanager
def frozen(network: nn.Module) -> Iterator[None]:
    """Weights of `network` get no gradient inside; gradients still flow through it."""
    network.requires_grad_(False)
    try:
        yield
    finally:
        network.requires_grad_(True)
