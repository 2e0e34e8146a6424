"""Names of runs for a shell that completes a line: `run=<Tab>` offers those that the verb can use, the newest first."""

import os
from itertools import islice
from pathlib import Path

from sparring.cli.early import LATEST, usable, use_of
from sparring.config.compose import log_dir

MOST = 30  # runs offered


def offered(verb: str) -> list[str] | None:
    """`runs_offered` of the line that the shell asks about."""
    line = os.environ.get("COMP_LINE", "")
    return runs_offered(verb, line, folder=log_dir(line.split(" ")))


def runs_offered(verb: str, line: str, *, folder: Path) -> list[str] | None:
    """The words that complete `line`; None where its last word names no run, or a path, which others complete.

    Args:
        line: as typed so far.
        folder: that holds train/, study/, ...
    """
    key, equals, begun = (line.split(" ") or [""])[-1].partition("=")
    use = use_of(verb, key)
    if not equals or use is None or begun.startswith(("/", ".", "~", "'", '"')):
        return None
    folder = folder / (verb if key == "resume" else "train")
    names = [LATEST, *islice((each.relative_to(folder).as_posix() for each in usable(folder, use)), MOST)]
    return [f"{key}={name}" for name in names if name.startswith(begun)]
