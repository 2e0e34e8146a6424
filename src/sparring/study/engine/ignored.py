"""Settings that would be accepted and ignored, since a study sets the same ones for its cells after them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sparring.core.errors import ConfigError

_ABSENT = object()
# What a study starts from where a recipe says nothing, so that a recipe may say something else.
_DEFAULTS = ("data.flip=false", "data.crop=0")
# A typed value that is an upper bound: fewer labelled images make a smaller batch.
_BOUNDS = ("batch_size",)
_INSTEAD = {
    "seed": "seed=<number> of the study draws the seeds of all its replicates",
    "data.split_seed": "split_seed=<number> of the study is one split for all replicates",
    "data.subset_seed": "seed=<number> of the study draws the labelled images too",
    "data.batch_size": "give data.batch_size=<number> to the study itself",
    "data": "give data=<data set> to the study itself",
    "trainer.max_steps": "the study has settings for the steps of its trainings, see study.<name>=<number> in --cfg job",
}


def check_overrides(train: Sequence[str], own: Sequence[str]) -> None:
    """Refuse an override that a later one of the same setting replaces by another value.

    Args:
        train: the user's overrides for every training.
        own: those of the cell after them, in which recipes of the user stand before what the study needs.

    Raises:
        ConfigError: names both.
    """
    seen: dict[str, str] = {}
    for item in (*train, *own):
        key = item.partition("=")[0].lstrip("+")
        before = seen.get(key, item)
        if before.lstrip("+") != item.lstrip("+") and not (before in _DEFAULTS and before not in train):
            raise ConfigError(
                f"{before} would be ignored, since the study sets {item} after it: {_INSTEAD.get(key, 'leave it out')}."
            )
        seen[key] = item


def check_typed(typed: Mapping[str, Any], trained_on: Iterable[Mapping[str, Any]]) -> None:
    """Refuse a setting of the study's `data` that no cell has, since the study sets it for each.

    Args:
        typed: dotted settings that were changed from those of the data set, without `data.`.
        trained_on: the section `data` of every cell that takes them.

    Raises:
        ConfigError: names the first.
    """
    sections = list(trained_on)
    for key, value in typed.items():
        found = [_at(section, key) for section in sections]
        if key not in _BOUNDS and found and value not in found:
            raise ConfigError(
                f"data.{key}={value} would be ignored, since the study sets data.{key}={found[0]} for its trainings: "
                f"{_INSTEAD.get(f'data.{key}', 'leave it out')}."
            )


def _at(section: Mapping[str, Any], key: str) -> Any:
    value: Any = section
    for part in key.split("."):
        value = value.get(part, _ABSENT) if isinstance(value, Mapping) else _ABSENT
    return value
