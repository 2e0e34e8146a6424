"""What the adversarial step hands around: a part of a batch, images with D's judgement of them, and random draws."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

from torch import Tensor, nn

from sparring.model.step.draws import Draws


class Part(NamedTuple):
    """One part of a step's chunk: real images with labels (None where the step needs none), latents, fake labels."""

    image: Tensor | None
    label: Tensor | None
    latent: Tensor
    fake_label: Tensor
    draws: Draws


class DiscriminatorOutput(NamedTuple):
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
    fake: DiscriminatorOutput
    latent: Tensor
    draws: Draws


@dataclass(frozen=True)
class DiscriminatorView(View):
    """A discriminator step: real and generated images; the generated ones carry no graph back to G."""

    real: DiscriminatorOutput


@dataclass(frozen=True)
class GeneratorView(View):
    """A generator step. plain: the generated images (N, C, H, W) before augmentation, with their graph.

    real: real images without a graph, where the loss or a due penalty compares.
    """

    plain: Tensor
    real: DiscriminatorOutput | None = None


@contextmanager
def frozen(network: nn.Module) -> Iterator[None]:
    """Weights of `network` get no gradient inside; gradients still flow through it."""
    network.requires_grad_(False)
    try:
        yield
    finally:
        network.requires_grad_(True)
