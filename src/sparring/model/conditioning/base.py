"""How a label enters the generator: next to the latent, through the normalisation layers, or not at all."""

from typing import Protocol

from torch import Tensor, nn

from sparring.model.layer.norm import ConditionalNorm, Norm, PlainNorm


class Conditioning(nn.Module):
    """Base of the generator's label module: (latent (N, L), label (N,)) -> (N, `features`), the input of the first layer.

    features: size of that input.
    condition_features: size of what `condition` returns.
    enters: whether the label can enter the network. False for one that uses the norms alone, until a norm is made.
    blind_to_length: whether a latent and its multiples give the same input.
    """

    features: int
    condition_features: int = 0
    enters: bool = True
    blind_to_length: bool = False

    def forward(self, latent: Tensor, label: Tensor) -> Tensor:
        """Latents (N, L) and classes (N,) int64 -> (N, features)."""
        raise TypeError(f"{type(self).__name__} must define forward(latent, label)")

    def condition(self, latent: Tensor, label: Tensor) -> Tensor:
        """The input of the norms, (N, condition_features), in the latent's dtype."""
        return latent[:, :0]

    def norm(self, channels: int, *, latent: int = 0) -> Norm:
        """BatchNorm of `channels` maps, called with [condition, `latent` numbers of the latent]; plain where both are empty."""
        size = self.condition_features + latent
        return ConditionalNorm(channels, size) if size else PlainNorm(channels)


class ConditioningMaker(Protocol):
    """A leaf of `model/conditioning`: settings from which a generator makes its label module.

    Leaves take `num_classes`, the number of labels, where they are conditional.

    conditional: whether the generator sees labels.
    """

    conditional: bool

    def make(self, latent_dim: int) -> Conditioning:
        """The module for latents of `latent_dim` numbers, or of as many as the first layer gets."""
        ...
