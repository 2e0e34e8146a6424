"""The base of defences: a classifier in, the defended classifier out."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, nn


@dataclass(frozen=True)
class Prior:
    """A trained generator, in eval mode with frozen weights.

    network: (latent (N, latent_dim), label (N,) int64) -> images (N, C, H, W) in [-1, 1].
    num_classes: classes that it knows, or None if it is unconditional.
    """

    network: nn.Module
    latent_dim: int
    num_classes: int | None


class Defence(ABC):
    """Base of every `sparring.defence.<name>` leaf.

    generator: run directory of the GAN whose generator it needs, or None; whoever builds the defence loads it.
    """

    generator: str | None = None

    @abstractmethod
    def defend(self, network: nn.Module, prior: Prior | None) -> nn.Module:
        """The defended classifier: image (N, C, H, W) in [-1, 1] -> logits (N, K).

        Args:
            network: the classifier, of the same shapes.
            prior: the generator that `generator` names, or None.

        Raises:
            ConfigError: the defence needs a generator and there is none.
        """


class Defended(nn.Module):
    """A classifier of purified images; no gradient flows through the purification.

    Deterministic: the logits are a function of the image.

    Shapes: image (N, C, H, W) in [-1, 1] -> logits (N, K).
    """

    differentiable: ClassVar[bool] = False
    bypassable: ClassVar[bool] = True

    def straight_through(self, image: Tensor, draw: int = 0) -> Tensor:
        """Logits (N, K) for BPDA, with the gradient that they would have if the defence returned the image unchanged.

        Args:
            draw: 0 is the defence's own; others are of the same defence with other random numbers.
        """
        raise TypeError(f"{type(self).__name__} must define straight_through(image, draw)")

    def by_choice(self, image: Tensor, draw: int = 0) -> Tensor:
        """For a defence that takes the nearest of several clean images: (N, K), minus the squared distance from `image` to the
        nearest of them that the classifier puts into each class, with its gradient. The largest is the defended class.
        """
        raise TypeError(f"{type(self).__name__} must define by_choice(image, draw)")
