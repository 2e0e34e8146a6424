"""The regularizers of a GAN: which of them are due in a step, and what they add to its loss."""

import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from sparring.model.regularizer.base import Regularizer
from sparring.model.step.views import DiscriminatorView, GeneratorView


class Regularizers(nn.ModuleDict):
    """Regularizers by name, in the order in which they were chosen. Their buffers are saved in checkpoints."""

    def __init__(self, regularizers: Mapping[str, Regularizer]) -> None:
        super().__init__(regularizers)

    def due(self, player: str, number: int) -> "DueRegularizers":
        """Those that add a term to the loss of `player` in its step `number`, counted from 0."""
        return DueRegularizers({name: each for name, each in self._in_turn(number) if player in each.terms})

    def after_step(self, player: str, network: nn.Module, number: int) -> None:
        """Hand the network of `player` after its step `number` to those that were due, such as weight clipping."""
        for _, regularizer in self._in_turn(number):
            regularizer.after_step(player, network)

    def _in_turn(self, number: int) -> list[tuple[str, Regularizer]]:
        return [(name, each) for name, each in self._named() if number % each.interval == 0]

    def _named(self) -> Iterable[tuple[str, Regularizer]]:
        return cast("Iterable[tuple[str, Regularizer]]", self.items())


@dataclass(frozen=True)
class DueRegularizers:
    """The regularizers that add a term to the loss of one step of a player."""

    by_name: Mapping[str, Regularizer]

    @property
    def gradients_at(self) -> set[str]:
        """Images ("real", "fake") that have to require grad."""
        return {where for regularizer in self.by_name.values() for where in regularizer.gradients_at}

    @property
    def compares(self) -> bool:
        """Whether one of them needs real images in G's step."""
        return any(regularizer.compares for regularizer in self.by_name.values())

    @property
    def differentiates_twice(self) -> bool:
        """Whether the step needs full precision, and networks that are not compiled."""
        return any(regularizer.differentiates_twice for regularizer in self.by_name.values())

    def discriminator(self, view: DiscriminatorView) -> dict[str, Tensor]:
        """Penalties (N,) or 0-d by name, in D's loss."""
        return {name: each.discriminator(view) for name, each in self.by_name.items()}

    def generator(self, view: GeneratorView) -> dict[str, Tensor]:
        """Penalties (N,) or 0-d by name, in G's loss."""
        return {name: each.generator(view) for name, each in self.by_name.items()}

    def weighted(self, means: Mapping[str, Tensor], strength: float) -> list[Tensor]:
        """The penalties' means (0-d each), times `strength`.

        Each is weighted by its interval, so that its mean over all steps does not depend on it (lazy regularization).
        """
        weights = {name: strength * self.by_name[name].interval for name in means}
        return [mean if weights[name] == 1 else weights[name] * mean for name, mean in means.items()]


def total(*terms: Tensor) -> Tensor:
    """The sum of the terms (0-d each) of a loss."""
    return functools.reduce(torch.add, terms)
