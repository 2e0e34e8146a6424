"""Half a cosine from 1 to `final` (Loshchilov and Hutter 2017, equation 5), as R3GAN decays its rates."""

from math import cos, pi

from sparring.core.errors import ConfigError
from sparring.model.schedule.base import Schedule


class Cosine(Schedule):
    """final + (1 - final) * (1 + cos(pi * t)) / 2, with t running from 0 to 1 until `end`, a share (0, 1] of the budget.

    Raises:
        ConfigError: an end out of range.
    """

    def __init__(self, *, end: float, final: float) -> None:
        if not 0 < end <= 1:
            raise ConfigError(f"model.schedule.end={end} is a share of the budget and must be above 0 and at most 1.")
        self.end = end
        self.final = final

    def __call__(self, progress: float) -> float:
        share = min(progress / self.end, 1.0)
        return self.final + (1 - self.final) * (1 + cos(pi * share)) / 2
