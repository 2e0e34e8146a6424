"""The one place where text goes to the terminal: control characters, as in the name of a file or a class, are written out."""

import logging
import sys
from typing import TextIO

from sparring.core.errors import printable


def say(text: str, *, file: TextIO | None = None) -> None:
    """Print `text` at once. file: sys.stdout for results; None: stderr, for what goes on."""
    print(printable(text), file=sys.stderr if file is None else file, flush=True)


class PrintableRecord(logging.LogRecord):
    """A record whose message is safe to print, whatever its arguments hold."""

    def getMessage(self) -> str:
        return printable(super().getMessage())


def clean_logs() -> None:
    """Make every record of this process a `PrintableRecord`, those of libraries too."""
    logging.setLogRecordFactory(PrintableRecord)
