"""How a run ended, from its `status.json`: a word, a sentence, and a kind that selects a colour."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

WORDS = {"finished": "Finished", "interrupted": "Interrupted", "diverged": "Diverged", "failed": "Failed"}


@dataclass(frozen=True)
class State:
    """How the run ended. `kind` selects a colour; the word means the same."""

    kind: str
    word: str
    sentence: str


def state_of(status: Mapping[str, Any], *, alive: bool) -> State:
    """Of a run; one that is recorded as running but holds no lock was killed.

    Args:
        status: content of status.json; empty where there is none.
        alive: whether a process holds the run's lock.
    """
    state = status.get("state")
    if state in WORDS:
        return State(str(state), WORDS[state], str(status.get("reason") or ""))
    if state == "running" and alive:
        return State("running", "Running", "this page shows the run so far")
    if state == "running":
        return State("failed", "Killed", "the process was killed or the machine went down")
    return State("failed", "Unknown", "the run wrote no status.json")
