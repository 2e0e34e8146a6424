"""Linear decay, as WGAN-GP's and SNGAN's CIFAR-10 recipes have it (to 0 at the end)."""

from sparring.core.errors import ConfigError
from sparring.model.schedule.base import Schedule


class LinearSchedule(Schedule):
    """1 up to `start`, a share [0, 1] of the budget, then linear to `final` at the end.

    Raises:
        ConfigError: a start out of range.
    """

    def __init__(self, *, start: float, final: float) -> None:
        if not 0 <= start <= 1:
            raise ConfigError(f"model.schedule.start={start} is a share of the budget and must be from 0 to 1.")
        self.start = start
        self.final = final

    def __call__(self, progress: float) -> float:
        share = (progress - self.start) / (1 - self.start) if self.start < 1 else 0.0
        return 1.0 + (self.final - 1.0) * min(max(share, 0.0), 1.0)
