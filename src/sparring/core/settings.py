"""Settings that several packages check: strengths of attacks, counts, devices.

Strengths are fractions of the pixel range and are converted to [-1, 1] here and nowhere else.
"""

from fractions import Fraction

import torch

from sparring.core.errors import ConfigError

IN_FLIGHT = 2.0  # width of the range [-1, 1] that images have in flight; the pixel range has width 1


def pixel_fraction(given: float | str, *, name: str = "epsilon") -> float:
    """A number or text such as "8/255" as a fraction of the pixel range. name: its key, for the message.

    Raises:
        ConfigError: not a number in (0, 1].
    """
    value = None
    if not isinstance(given, bool):
        try:
            value = float(Fraction(given.replace(" ", ""))) if isinstance(given, str) else float(given)
        except (TypeError, ValueError, ZeroDivisionError):
            value = None
    if value is None or not 0 < value <= 1:
        raise ConfigError(
            f"{name}={given} is no fraction of the pixel range: give a number above 0 and at most 1, such as 8/255 or 0.1."
        )
    return value


def radius(epsilon: float) -> float:
    """A fraction of the pixel range as a distance between images in [-1, 1]."""
    return IN_FLIGHT * epsilon


def epsilon_text(epsilon: float) -> str:
    """0.03137 -> "8/255 (0.03137)": the only way in which an epsilon is printed."""
    return f"{255 * epsilon:.4g}/255 ({epsilon:.4g})"


def at_least_one(**counts: int) -> None:
    """Raise ConfigError for a setting, given by its key, that is no whole number above 0."""
    for name, value in counts.items():
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise ConfigError(f"{name}={value} is no whole number above 0; give 1 or more.")


def check_at_least_one(**counts: int) -> None:
    """Raise ConfigError for a number of images, given by its key, that is no whole number above 0."""
    for name, value in counts.items():
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise ConfigError(f"{name}={value} is no whole number of images; give 1 or more.")


def device_named(name: str) -> torch.device:
    """`auto` is the accelerator if there is one. Raises ConfigError for a device that this machine does not have."""
    present = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        return torch.device(next(kind for kind in ("cuda", "mps", "cpu") if present[kind]))
    if not present.get(str(name).partition(":")[0], False):
        here = ", ".join(kind for kind, there in present.items() if there)
        raise ConfigError(f"device={name} is not on this machine, which has {here}; give one of these, or auto.")
    return torch.device(name)
