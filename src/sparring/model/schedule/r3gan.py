"""R3GAN's schedule (Huang et al. 2024, appendix): all settings follow one half cosine over the first part of a run."""

from inspect import signature
from math import cos, pi
from typing import Any

from sparring.core.errors import ConfigError
from sparring.model.schedule.base import Schedule
from sparring.model.step.recipe import Recipe


class R3GAN(Schedule):
    """last + (first - last) * (1 + cos(pi t)) / 2, with t running from 0 to 1 until `end`.

    The factors on half-life and augmentation go from 0 to 1.

    Args:
        end: share (0, 1] of the budget.
        lr, penalty: last values of these factors, which begin at 1.
        beta2: [first, last] of Adam's second-moment decay.

    Raises:
        ConfigError: an end out of range.
    """

    def __init__(self, *, end: float, lr: float, penalty: float, beta2: tuple[float, float]) -> None:
        if not 0 < end <= 1:
            raise ConfigError(f"model.schedule.end={end} is a share of the budget and must be above 0 and at most 1.")
        self.end, self.lr, self.last_penalty = end, lr, penalty
        self.beta2 = (beta2[0], beta2[1])

    def _between(self, first: float, last: float, progress: float) -> float:
        return last + (first - last) * (1 + cos(pi * min(progress / self.end, 1.0))) / 2

    def __call__(self, progress: float) -> float:
        return self._between(1.0, self.lr, progress)

    def check(self, recipe: Recipe) -> None:
        for player, factory in recipe.optimizers.items():
            if "betas" not in signature(getattr(factory, "func", factory)).parameters:
                raise ConfigError(
                    f"model/schedule=r3gan sets Adam's second beta, and the {player}'s optimizer has none; set "
                    f"optimizer@model.{player}_optimizer=adam, or another model/schedule."
                )

    def adjust(self, group: dict[str, Any], progress: float) -> None:
        group["betas"] = (group["betas"][0], self._between(*self.beta2, progress))

    def penalty(self, progress: float) -> float:
        return self._between(1.0, self.last_penalty, progress)

    def half_life(self, progress: float) -> float:
        return self._between(0.0, 1.0, progress)

    def augmentation(self, progress: float) -> float:
        return self._between(0.0, 1.0, progress)
