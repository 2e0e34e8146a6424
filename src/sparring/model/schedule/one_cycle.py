"""One cycle: a linear warm-up to the full learning rate, then a linear decay (Smith and Topin 2019, without the momentum)."""

from sparring.core.errors import ConfigError
from sparring.model.schedule.base import Schedule


class OneCycle(Schedule):
    """`initial` at the start, 1 at `peak`, a share [0, 1] of the budget, `final` at the end, linear in between.

    Raises:
        ConfigError: a peak out of range.
    """

    def __init__(self, *, peak: float, initial: float, final: float) -> None:
        if not 0 <= peak <= 1:
            raise ConfigError(f"model.schedule.peak={peak} is a share of the budget and must be from 0 to 1.")
        self.peak, self.initial, self.final = peak, initial, final

    def __call__(self, progress: float) -> float:
        if progress < self.peak:
            return self.initial + (1 - self.initial) * progress / self.peak
        share = (progress - self.peak) / (1 - self.peak) if self.peak < 1 else 0.0
        return 1 + (self.final - 1) * min(share, 1.0)
