"""What the settings of callback/guard may be."""

from typing import get_args

from sparring.callback.support.trouble import Action
from sparring.core.errors import ConfigError


def check_guard(
    *, on_trouble: str, every: int, max_growth: float | None, lost_checks: int | None, saturated_checks: int | None,
    look_every: int | None, count: int, max_rollbacks: int, rate_factor: float,
) -> None:  # fmt: skip
    """Raise ConfigError for an unknown word, or a number out of range."""
    if on_trouble not in get_args(Action):
        raise ConfigError(f"callback.guard.on_trouble={on_trouble} is unknown; give stop, rollback or warn.")
    if any(number is not None and number < 1 for number in (every, lost_checks, saturated_checks, look_every)):
        raise ConfigError(
            "callback.guard needs every, lost_checks, saturated_checks and look_every >= 1, got "
            f"{every}, {lost_checks}, {saturated_checks} and {look_every}."
        )
    if (max_growth is not None and max_growth <= 1) or not 0 < rate_factor <= 1 or max_rollbacks < 0 or count < 2:
        raise ConfigError(
            "callback.guard needs max_growth > 1, rate_factor in (0, 1], max_rollbacks >= 0 and count >= 2, got "
            f"{max_growth}, {rate_factor}, {max_rollbacks} and {count}."
        )
