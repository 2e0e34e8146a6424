"""Menus of runs: names for people, directories for the handlers; one that was typed is offered, too."""

from collections.abc import Sequence
from pathlib import Path

from sparring.play.studio import Studio

NONE = ""  # value of "none"


def menu(found: Sequence[Path], studio: Studio, *typed: str | None) -> list[tuple[str, str]]:
    """(name, directory) of runs, those that were typed first."""
    first = [Path(studio.runs.find(each)) for each in typed if each]
    return [(path.name, str(path)) for path in dict.fromkeys([*first, *found])]


def optional(found: Sequence[Path], studio: Studio, typed: str | None, none: str) -> list[tuple[str, str]]:
    """As `menu`, with a first entry for no run, called `none`."""
    return [(none, NONE), *menu(found, studio, typed)]


def chosen(value: str | None) -> str | None:
    """The directory of a menu's value; None for "none"."""
    return value or None
