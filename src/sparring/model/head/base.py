"""The last part of a discriminator: from features and a label to a logit, with class losses where a head has them."""

from typing import Protocol

from torch import Tensor, nn

from sparring.model.step.recipe import Recipe
from sparring.model.step.views import DiscriminatorOutput


class Head(nn.Module):
    """Base of the networks: (features (N, F), label (N,)) -> logits (N,). A head may add class losses to the players' losses.

    classifies: whether it predicts an image's class, by `class_logits`.
    """

    classifies: bool = False

    def forward(self, features: Tensor, label: Tensor) -> Tensor:
        """Features (N, F) and classes (N,) int64 -> logits (N,), larger for real images."""
        raise TypeError(f"{type(self).__name__} must define forward(features, label)")

    def check(self, recipe: Recipe) -> None:
        """Raise ConfigError where the head cannot work with the rest of the GAN."""

    def class_logits(self, features: Tensor) -> Tensor:
        """Features (N, F) -> logits (N, K) of the classes."""
        raise TypeError(f"{type(self).__name__} does not classify")

    def discriminator_terms(self, real: DiscriminatorOutput, fake: DiscriminatorOutput) -> dict[str, Tensor]:
        """Terms (N,) of D's loss by the name in the logs."""
        return {}

    def generator_terms(self, fake: DiscriminatorOutput) -> dict[str, Tensor]:
        """Terms (N,) of G's loss by the name in the logs."""
        return {}


class HeadMaker(Protocol):
    """A leaf of `model/head`: settings from which a discriminator makes its head.

    Leaves take `num_classes`, the number of labels, where they are conditional.

    conditional: whether the head's logit or losses depend on the label.
    """

    conditional: bool

    def make(self, features: int) -> Head:
        """The head for (N, F) features."""
        ...
