"""Which class of somebody's images is which of ours: by name, never by position where names say something else."""

import re
from collections.abc import Mapping, Sequence

from sparring.core.errors import ConfigError, DataError

ClassNames = Sequence[str] | Mapping[str, str]
_NAMED = 10  # classes that a message lists


def match_classes(
    theirs: Sequence[str],
    ours: Sequence[str],
    *,
    what: str,
    given: ClassNames | None = None,
    setting: str | None = None,
) -> dict[str, int]:
    """Index among `ours` of every class in `theirs`, which may be fewer.

    A class matches by its name, by its name behind an index ("3_cat", as generate.py names folders), or by an index alone where
    our names are no numbers. Case and punctuation do not count.

    Args:
        what: whose classes `theirs` are, for messages.
        given: what settles it by hand: the names that they give to our classes, in our order, or {theirs: ours}.
        setting: the setting that takes `given`, for messages; None where there is none.

    Raises:
        DataError: a class that is none of ours, or two that are the same.
        ConfigError: `given` does not fit.
    """
    known = _keys(ours) if given is None else _given(given, ours, setting)
    matched = {name: known.get(_plain(name)) for name in theirs}
    strangers = [name for name, index in matched.items() if index is None]
    if strangers:
        hint = f"say which is which with {setting}=[<their names in this order>]" if setting else "rename them"
        raise DataError(
            f"{what} has the classes {', '.join(strangers[:_NAMED])}, which are none of {', '.join(ours[:_NAMED])}: {hint}."
        )
    indices = {name: index for name, index in matched.items() if index is not None}
    twice = [name for name, index in indices.items() if list(indices.values()).count(index) > 1]
    if twice:
        raise DataError(
            f"{what} has {' and '.join(twice[:2])}, which are both {ours[indices[twice[0]]]}: join or rename them."
        )
    return indices


def _keys(ours: Sequence[str]) -> dict[str, int]:
    numbers = not any(_plain(name).isdecimal() for name in ours)
    keys = {_plain(f"{index}_{name}"): index for index, name in enumerate(ours)}
    if numbers:
        keys |= {str(index): index for index in range(len(ours))}
    return keys | {_plain(name): index for index, name in enumerate(ours)}


def _given(given: ClassNames, ours: Sequence[str], setting: str | None) -> dict[str, int]:
    pairs = given if isinstance(given, Mapping) else dict(zip(map(str, given), ours, strict=False))
    if not isinstance(given, Mapping) and len(given) != len(ours):
        raise ConfigError(
            f"{setting} names {len(given)} classes and this run has {len(ours)}: name each, in the run's order."
        )
    unknown = [name for name in pairs.values() if str(name) not in ours]
    if unknown:
        raise ConfigError(f"{setting} maps to {unknown[0]}, which is none of {', '.join(ours[:_NAMED])}.")
    return {_plain(str(theirs)): list(ours).index(str(name)) for theirs, name in pairs.items()}


def _plain(name: str) -> str:
    """Lower case, runs of other characters than letters and digits as one space, numbers without leading zeros."""
    words = re.sub(r"[\W_]+", " ", name.casefold()).strip()
    return re.sub(r"\b0+(?=\d)", "", words)
