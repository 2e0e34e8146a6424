"""What a command finds around it: the variables of `.env`, and the Python that runs it."""

import os
import sys

from sparring.core.errors import ConfigError
from sparring.core.program import NAME, root
from sparring.core.terminal import say

_NEWEST_TESTED = (3, 13)
_NOTED = "SPARRING_UNTESTED_PYTHON"  # set once the line about an untested Python was printed


def set_environment() -> None:
    """What `.env` says, where the shell has not said it, and what is better than the default of a library."""
    from dotenv import load_dotenv

    file = root() / ".env"
    try:
        load_dotenv(file)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file} cannot be read: {error}.") from error
    # Read when torch is loaded. By default OpenMP's threads spin for long while they wait, and a step takes twice the time,
    # or twenty times, as soon as other processes want the cores; a short spin is as fast alone (benchmarks/contention.py).
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")


def note_untested_python() -> None:
    """One line per command; the processes that it starts inherit that it was printed."""
    if sys.version_info[:2] > _NEWEST_TESTED and _NOTED not in os.environ:
        os.environ[_NOTED] = "1"
        used, newest = (".".join(map(str, version)) for version in (sys.version_info[:2], _NEWEST_TESTED))
        say(f"Python {used} is untested with {NAME}; it was tested with Python 3.11 to {newest}.")
