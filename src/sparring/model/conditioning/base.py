"""How a label enters the generator: beside the latent, through the normalisation layers, or not at all."""

from typing import Protocol

from torch import Tensor, nn

from sparring.model.layer.norm import ConditionalNorm, Norm, PlainNorm


class Conditioning(nn.Module):
    """Base of the generator's label module: (latent (N, L), label (N,)) -> code (N, `features`), the first layer's input.

    features: size of the code.
    condition_features: size of what `condition` returns.
    enters: whether the network gives the label a way in. False for a code that uses the norms alone, until one is made.
    blind_to_length: whether a latent and its multiples give the same code.
    """

    features: int
    condition_features: int = 0
    enters: bool = True
    blind_to_length: bool = False

    def forward(self, latent: Tensor, label: Tensor) -> Tensor:
        raise TypeError(f"{type(self).__name__} must define forward(latent, label)")

    def condition(self, latent: Tensor, label: Tensor) -> Tensor:
        """What the norms see of the label, (N, `condition_features`), in the latent's dtype."""
        return latent[:, :0]

    def norm(self, channels: int, *, latent: int = 0) -> Norm:
        """BatchNorm to be called with [condition, `latent` numbers of the latent]; plain where that would be empty."""
        size = self.condition_features + latent
        return ConditionalNorm(channels, size) if size else PlainNorm(channels)


class ConditioningMaker(Protocol):
    """What a leaf of `model/conditioning` is.

    conditional: whether the generator sees labels.
    """

    conditional: bool

    def make(self, latent_dim: int) -> Conditioning:
        """The module for latents of `latent_dim` numbers, or for the part of them that the first layer gets."""
        ...
