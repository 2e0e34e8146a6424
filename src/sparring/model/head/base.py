"""How a discriminator ends: from features and a label to a logit, and what it asks about classes beside it."""

from typing import Protocol

from torch import Tensor, nn

from sparring.model.step.recipe import Recipe
from sparring.model.step.views import DiscriminatorOutput


class Head(nn.Module):
    """Base: (features (N, F), label (N,)) -> logits (N,), with class losses that a head may add to the players'.

    classifies: it tells an image's class without being given it, by `class_logits`.
    """

    classifies: bool = False

    def forward(self, features: Tensor, label: Tensor) -> Tensor:
        raise TypeError(f"{type(self).__name__} must define forward(features, label)")

    def check(self, recipe: Recipe) -> None:
        """Raise ConfigError where the head cannot work with the rest of the GAN."""

    def class_logits(self, features: Tensor) -> Tensor:
        """(N, F) -> (N, K)."""
        raise TypeError(f"{type(self).__name__} tells no class")

    def discriminator_terms(self, real: DiscriminatorOutput, fake: DiscriminatorOutput) -> dict[str, Tensor]:
        """Terms (N,) of D's loss by the name they are logged under."""
        return {}

    def generator_terms(self, fake: DiscriminatorOutput) -> dict[str, Tensor]:
        """Terms (N,) of G's loss by the name they are logged under."""
        return {}


class HeadMaker(Protocol):
    """What a leaf of `model/head` is.

    conditional: whether the head checks the label that is passed in.
    """

    conditional: bool

    def make(self, features: int) -> Head:
        """The head for (N, F) features."""
        ...
