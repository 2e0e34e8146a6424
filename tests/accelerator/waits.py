"""Where the CPU waited for the pretended accelerator, counted while somebody watches."""

import collections
import sys
from types import FrameType

waits: collections.Counter[str] = collections.Counter()
_watching = False


def watch(on: bool) -> None:
    """Count waits from now on, or no longer."""
    global _watching
    _watching = on


def wait(why: str) -> None:
    """A wait at this place, for a reason."""
    if _watching:
        waits[f"{why} at {place()}"] += 1


def place() -> str:
    """File and line of the newest frame in sparring or Lightning."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        _, found, file = frame.f_code.co_filename.rpartition("/src/sparring/")
        if not found:
            _, found, file = frame.f_code.co_filename.rpartition("/site-packages/lightning/")
        if found:
            return f"{found.split('/')[-2]}/{file}:{frame.f_lineno}"
        frame = frame.f_back
    return "the backward pass"
