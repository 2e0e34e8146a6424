"""`sparring docs`: the documentation in the browser, built first where it is not there or older than what it is made of."""

import sys
import webbrowser
from collections.abc import Sequence
from pathlib import Path

from sparring.core.errors import ConfigError
from sparring.core.package import FOLDER
from sparring.core.terminal import say

WORD = "docs"
ABOUT = "Build the documentation and open it in the browser."
_NO_BROWSER = "--no-browser"


def docs(words: Sequence[str]) -> int:
    """Open the first page, or only say where it is; 0.

    Args:
        words: what was typed behind `docs`.

    Raises:
        ConfigError: an unknown word, or the packages that build the site are not installed.
        SparringError: the site could not be built.
    """
    from sparring.site.build import build, is_current, missing

    if any(word in ("--help", "-h") for word in words):
        say(
            f"{ABOUT}\n\n    sparring {WORD} [{_NO_BROWSER}]\n\n    {_NO_BROWSER}  only print where the first page is",
            file=sys.stdout,
        )
        return 0
    if unknown := [word for word in words if word != _NO_BROWSER]:
        raise ConfigError(
            f"sparring {WORD} takes no '{unknown[0]}': write sparring {WORD}, or sparring {WORD} {_NO_BROWSER}."
        )
    site = place()
    if not is_current(site):
        if not missing():  # else `build` says so
            say("building the documentation, half a minute or more")
        build(site)
    page = site / "index.html"
    say(str(page), file=sys.stdout)
    if _NO_BROWSER not in words:
        webbrowser.open(page.as_uri())
    return 0


def place() -> Path:
    """Where the site is kept: build/site of a checkout, else the user's cache."""
    from sparring.config.compose import cache_dir

    checkout = FOLDER.parents[1]
    return checkout / "build" / "site" if (checkout / "docs").is_dir() else Path(cache_dir()) / "site"
