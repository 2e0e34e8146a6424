"""What the parts of a GAN check themselves against when it is built; parts know this and not the GAN."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from torch import nn

from sparring.core.errors import ConfigError


@dataclass(frozen=True)
class Recipe:
    """The facts of a GAN that decide whether its parts can work together.

    accumulate: parts that a batch is processed in. lipschitz: whether a regularizer bounds D's slope.
    optimizers: factory of each player's optimizer whose rate the GAN's schedule sets.
    """

    generator: nn.Module
    discriminator: nn.Module
    accumulate: int
    lipschitz: bool
    optimizers: Mapping[str, Callable[..., Any]]

    def refuse_parts(self, group: str, leaf: object) -> None:
        """Raise ConfigError when a batch that `leaf` of `model.<group>` compares as a whole is processed in parts."""
        if self.accumulate > 1:
            raise ConfigError(
                f"model.{group}={leaf_name(leaf)} compares the images of a whole batch, and model.accumulate={self.accumulate} "
                "would show it parts; set model.accumulate=1."
            )


class RecipePart(Protocol):
    """A part of a GAN that may not work with every other."""

    def check(self, recipe: Recipe) -> None:
        """Raise ConfigError where it cannot work with the rest of the GAN."""


def leaf_name(leaf: object) -> str:
    """The override that chose `leaf`: the last name of its module."""
    return type(leaf).__module__.rpartition(".")[2]
