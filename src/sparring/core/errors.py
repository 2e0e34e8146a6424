"""Errors that are meant for people: one sentence that names what was given, what was expected and what to do.

The command line prints the sentence without a traceback and exits with the class's `exit_code`.
"""

import sys
import unicodedata


class SparringError(Exception):
    """Base class: a failure that a user can understand and act on. Its text is safe to print, whatever name is in it."""

    exit_code = 1

    def __str__(self) -> str:
        return printable(super().__str__())


def printable(text: str) -> str:
    """`text` with control and formatting characters written out (`\\x1b`): a terminal would obey those in the name of a file.

    Line ends stay.
    """
    if text.isprintable():
        return text
    return "".join(
        each.encode("unicode_escape").decode() if each != "\n" and unicodedata.category(each)[0] == "C" else each
        for each in text
    )


class ConfigError(SparringError):
    """A setting that does not exist, has the wrong type, or does not fit another setting."""

    exit_code = 2


class DataError(SparringError):
    """Images or labels that are missing, broken, or not what the configuration says."""

    exit_code = 3


class DivergedError(SparringError):
    """Training produced NaN or infinity."""

    exit_code = 4


class OutOfMemoryError(SparringError):
    """The device has not enough memory for the batch and networks asked for."""

    exit_code = 5


def is_out_of_memory(error: BaseException) -> bool:
    """Whether a device or the system refused an allocation; torch, whose error it may be, is not imported for that."""
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(error, torch.OutOfMemoryError):
        return True
    return isinstance(error, MemoryError) or "can't allocate memory" in str(error)


class CheckpointError(SparringError):
    """A checkpoint or run directory that cannot be used."""

    exit_code = 6


class DiskError(SparringError):
    """A file could not be written."""

    exit_code = 7


class Interrupted(SparringError):
    """The run was stopped by a signal after saving its state."""

    def __init__(self, message: str, signal_number: int) -> None:
        super().__init__(message)
        self.exit_code = 128 + signal_number
