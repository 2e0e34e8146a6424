"""The base of schedules: settings that change over a run."""

from typing import Any

from sparring.model.step.recipe import Recipe


class Schedule:
    """Factors on settings as functions of `progress`, the share [0, 1] of the run's budget that is spent.

    Each factor is 1 unless a leaf overrides it.
    """

    def check(self, recipe: Recipe) -> None:
        """Raise ConfigError where it cannot work with the rest of the GAN."""

    def __call__(self, progress: float) -> float:
        """Of every player's learning rate."""
        raise TypeError(f"{type(self).__name__} must define __call__(progress)")

    def adjust(self, group: dict[str, Any], progress: float) -> None:
        """Change further settings of an optimizer's parameter group, in place."""

    def penalty(self, progress: float) -> float:
        """Of the weight of every regularizer."""
        return 1.0

    def half_life(self, progress: float) -> float:
        """Of the averaged generator's half-life."""
        return 1.0

    def augmentation(self, progress: float) -> float:
        """Of the probability of an augmentation that has one."""
        return 1.0
