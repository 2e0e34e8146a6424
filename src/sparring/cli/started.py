"""What a command was started with: enough to start jobs of a sweep the same way, in this process or in another one."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sparring.cli.sweep import JobOutcome


class Started:
    """The program, and what became of its sweep.

    Args:
        verb: what it does.
        words: those that chose the verb, before flags and overrides.
        arguments: flags and overrides.
    """

    def __init__(self, verb: str, words: Sequence[str], arguments: Sequence[str]) -> None:
        self.verb, self.words, self.arguments = verb, list(words), list(arguments)
        self.outcomes: list[JobOutcome] = []
