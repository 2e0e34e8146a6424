"""How labels reach the two players: a conditioning makes one small module for each."""

from typing import Protocol

from torch import Tensor, nn


class Code(nn.Module):
    """Base of the generator's side: (latent (N, L), label (N,)) -> code (N, `features`)."""

    features: int

    def forward(self, latent: Tensor, label: Tensor) -> Tensor:
        raise TypeError(f"{type(self).__name__} must define forward(latent, label)")


class Conditioning(Protocol):
    """Makes the modules through which a label enters the generator and the discriminator.

    conditional: whether the label changes anything.
    """

    conditional: bool

    def code(self, latent_dim: int) -> Code:
        """Module that turns latent and label into the generator's first layer's input."""
        ...

    def head(self, features: int) -> nn.Module:
        """Module (features (N, F), label (N,)) -> logits (N,) that ends the discriminator."""
        ...
