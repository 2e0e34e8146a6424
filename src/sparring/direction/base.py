"""The base of ways to find directions."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from sparring.core.errors import ConfigError
from sparring.direction.shared.space import Space


@dataclass(frozen=True)
class Directions:
    """Directions of one way of finding them, most important first.

    Args:
        vectors: (D, S) float64 on the CPU, of norm 1.
        names: one each.
        values: (D,) what they were ordered by, as `Direction.value` says.
    """

    vectors: Tensor
    names: tuple[str, ...]
    values: tuple[float, ...]


class Direction(ABC):
    """Base of every `sparring.direction.<name>` leaf: subclasses define `find`.

    value: what the number beside a direction is, in words. control: whether it knows nothing of the generator.
    """

    value: ClassVar[str]
    control: ClassVar[bool] = False
    needs_classifier: ClassVar[bool] = False

    def check(self, space: Space) -> None:
        """Raise ConfigError where it needs a classifier and there is none."""
        if self.needs_classifier and space.logits is None:
            raise ConfigError(
                f"direction={type(self).__module__.rpartition('.')[2]} follows the logits of a classifier and there is none; "
                "give classifier=<run of a classifier on the same data>."
            )

    @abstractmethod
    def find(self, space: Space, count: int, *, seed: int) -> Directions:
        """At most `count` directions of the space."""
