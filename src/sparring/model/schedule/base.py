"""What the adversarial step expects of a learning-rate schedule."""

from typing import Protocol


class Schedule(Protocol):
    """Factor on every player's learning rate at `progress`, the share of the run's budget that is spent, in [0, 1]."""

    def __call__(self, progress: float) -> float: ...
