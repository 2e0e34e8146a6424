"""Small pieces of the adversarial step: what a part of it sees, and how a player is held still."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from torch import Tensor, nn


class Part(NamedTuple):
    """One part of a step's chunk: real images with labels (None where the step needs none), latents, fake labels."""

    image: Tensor | None
    label: Tensor | None
    latent: Tensor
    fake_label: Tensor
    rows: slice


@contextmanager
def frozen(network: nn.Module) -> Iterator[None]:
    """Weights of `network` get no gradient inside; gradients still flow through it."""
    network.requires_grad_(False)
    try:
        yield
    finally:
        network.requires_grad_(True)
