"""When something is due that is dense at the start of a training and sparse later."""

from sparring.core.errors import ConfigError


def check_growing(setting: str, first: int, growth: float) -> None:
    """Raise ConfigError unless `first` and `growth` make an interval that grows; `setting` names their owner."""
    if first < 1 or growth <= 1:
        raise ConfigError(f"{setting} needs first >= 1 and growth > 1, got first={first} and growth={growth}.")


def is_due(iteration: int, *, first: int, growth: float) -> bool:
    """Whether `iteration` is in {round(first * growth^k)}; from the clock alone, so that resuming changes nothing."""
    mark = float(first)
    while round(mark) < iteration:
        mark *= growth
    return iteration == round(mark)
