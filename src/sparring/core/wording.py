"""Lists of names and suggestions of similar names, for sentences."""

import difflib
import re
from collections.abc import Iterable, Sequence


def listing(names: Iterable[str]) -> str:
    """'a, b and c'."""
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last


def near(name: str, names: Iterable[str]) -> str:
    """', did you mean x?' when something in `names` resembles `name`, else nothing.

    Dotted names are compared in three ways: with those of the same section, as a whole, and by their last part.
    """
    names = list(dict.fromkeys(names))
    if siblings := near_sibling(name, names):
        return siblings
    last = name.rpartition(".")[2]
    by_end = [other for other in names if _close(last, [re.split(r"[./]", other)[-1]], 0.8)]
    return _suggested(_close(name, names, 0.75) or sorted(by_end, key=len))


def near_sibling(name: str, names: Iterable[str]) -> str:
    """`near` among the dotted names of the same section alone."""
    section, _, last = name.rpartition(".")
    siblings = {other.rpartition(".")[2]: other for other in names if other.rpartition(".")[0] == section}
    return _suggested([siblings[short] for short in _close(last, siblings, 0.65)] if section else [])


def _suggested(similar: Sequence[str]) -> str:
    return f", did you mean {' or '.join(similar[:3])}?" if similar else ""


def _close(name: str, names: Iterable[str], cutoff: float) -> list[str]:
    """The most similar names, without those that are far behind the first."""
    scored = [(difflib.SequenceMatcher(None, name, other).ratio(), other) for other in names]
    best = max((score for score, _ in scored), default=0.0)
    return [other for score, other in sorted(scored, reverse=True) if score >= max(cutoff, best - 0.1)]
