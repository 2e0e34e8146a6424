"""What the adversarial step expects of a schedule."""

from typing import Any

from sparring.model.step.recipe import Recipe


class Schedule:
    """Settings over `progress`, the share of the run's budget that is spent, in [0, 1].

    Each method is a factor on a setting, 1 unless a leaf says otherwise.
    """

    def check(self, recipe: Recipe) -> None:
        """Raise ConfigError where it cannot work with the rest of the GAN."""

    def __call__(self, progress: float) -> float:
        """Every player's learning rate."""
        raise TypeError(f"{type(self).__name__} must define __call__(progress)")

    def adjust(self, group: dict[str, Any], progress: float) -> None:
        """Change further settings of an optimizer's parameter group, in place."""

    def penalty(self, progress: float) -> float:
        """The weight of every regularizer."""
        return 1.0

    def half_life(self, progress: float) -> float:
        """The averaged generator's half-life."""
        return 1.0

    def augmentation(self, progress: float) -> float:
        """The probability of an augmentation that has one."""
        return 1.0
