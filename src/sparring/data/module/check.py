"""What `ImageData` refuses before it reads anything."""

from collections.abc import Sequence
from pathlib import Path

from sparring.core.errors import ConfigError
from sparring.data.reading.decode import FILTERS
from sparring.data.serving.duplicates import CHOICES
from sparring.data.serving.storage import STORAGE


def check_settings(
    *, name: str, channels: int, native: int | None, image_size: int, batch_size: int, crop: int, resize: str,
    value_range: int | None, storage: str, on_error: str, on_duplicates: str, window: int | None = None,
    native_size: int | None = None,
) -> None:  # fmt: skip
    """Raise ConfigError for a setting of `conf/data/_base.yaml` that is out of range.

    Args:
        native: channels that every image of the source has; None: any. native_size: pixels per side, likewise.
    """
    if not name or Path(name).name != name or name.startswith(".") or not name.isprintable():
        raise ConfigError(
            f"data.name={name!r} is part of the name of a folder in the cache: give a name without slashes."
        )
    _check_choice("storage", storage, STORAGE)
    _check_choice("on_error", on_error, ("fail", "skip"))
    _check_choice("on_duplicates", on_duplicates, CHOICES)
    _check_choice("resize", resize, tuple(FILTERS))
    _check_choice("channels", channels, (1, 3) if native in (None, 1, 3) else (native,))
    if native not in (None, 1, 3) and native_size not in (None, image_size):
        raise ConfigError(
            f"data.image_size={image_size} must be {native_size}: images of {native} channels (data={name}) are not resized."
        )
    if value_range is not None and not 0 < value_range < 2**16:
        raise ConfigError(
            f"data.value_range={value_range} must be from 1 to 65535: the largest value of 16-bit images."
        )
    if window is not None and window < batch_size:
        raise ConfigError(
            f"data.window={window} must be at least data.batch_size={batch_size}, or null for all images."
        )
    if batch_size < 1 or image_size < 1 or not 0 <= crop < image_size:
        raise ConfigError(
            f"data.batch_size={batch_size} and data.image_size={image_size} must be at least 1 and data.crop={crop}"
            " from 0 to below the image size."
        )


def _check_choice(key: str, value: object, choices: Sequence[object]) -> None:
    if value not in choices:
        raise ConfigError(f"data.{key}={value} is not one of {', '.join(map(str, choices))}.")
