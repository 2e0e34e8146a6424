"""What the adversarial step passes to its parts: a part of a batch, images with D's outputs for them, random draws."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

from torch import Tensor, nn

from sparring.model.step.draws import Draws


class Part(NamedTuple):
    """One part of a step's chunk.

    image (N, C, H, W) in [-1, 1], label (N,): real images, None where the step needs none. latent (N, L), fake_label (N,): of
    the images to generate. draws: random numbers for these rows.
    """

    image: Tensor | None
    label: Tensor | None
    latent: Tensor
    fake_label: Tensor
    draws: Draws


class DiscriminatorOutput(NamedTuple):
    """D's outputs for images.

    image (N, C, H, W), as D saw them; label (N,); features (N, F) before D's head; logits (N,).
    """

    image: Tensor
    label: Tensor
    features: Tensor
    logits: Tensor


@dataclass(frozen=True)
class View:
    """What a penalty may look at in one part of a step.

    discriminator: (image, label) -> logits. generator: (latent, label) -> image. augment: the augmentation of this step's
    generated images, with the same random numbers at every call. fake: of the generated images. latent (N, L): what they were
    generated from. draws: further random numbers, by purpose.
    """

    discriminator: nn.Module
    generator: nn.Module
    augment: Callable[[Tensor], Tensor]
    fake: DiscriminatorOutput
    latent: Tensor
    draws: Draws


@dataclass(frozen=True)
class DiscriminatorView(View):
    """A discriminator step: real and generated images; the generated ones carry no graph back to G."""

    real: DiscriminatorOutput


@dataclass(frozen=True)
class GeneratorView(View):
    """A generator step.

    generated: the generated images (N, C, H, W) before augmentation, with their graph. real: real images without a graph, where
    the loss or a due penalty compares.
    """

    generated: Tensor
    real: DiscriminatorOutput | None = None


@contextmanager
def frozen(network: nn.Module) -> Iterator[None]:
    """Weights of `network` get no gradient inside; gradients still flow through it. Afterwards each is as it was."""
    flags = [(weight, weight.requires_grad) for weight in network.parameters()]
    network.requires_grad_(False)
    try:
        yield
    finally:
        for weight, flag in flags:
            weight.requires_grad_(flag)
