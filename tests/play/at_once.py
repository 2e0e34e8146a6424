"""Two uses of one thing at the same time."""

import contextlib
import threading
from collections.abc import Callable
from typing import Any

WAIT = 0.3  # seconds that the first use leaves the second one to come between


class Inside:
    """A stand-in for the inner part of the first use: it asks whether the second one ends meanwhile."""

    def __init__(self) -> None:
        self.entered, self.ended = threading.Event(), threading.Event()
        self.overlapped: bool | None = None

    def __call__(self, *_given: Any, **_named: Any) -> Any:
        self.entered.set()
        self.overlapped = self.ended.wait(WAIT)
        raise StopIteration  # there is no result


def overlap(inside: Inside, first: Callable[[], object], second: Callable[[], object]) -> bool:
    """Whether `second` got through while `first` was in `inside`; both are over afterwards."""

    def try_first() -> None:
        with contextlib.suppress(StopIteration):
            first()

    def follow() -> None:
        assert inside.entered.wait(60)
        second()
        inside.ended.set()

    threads = [threading.Thread(target=each, daemon=True) for each in (try_first, follow)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert inside.ended.is_set()  # both got their turn
    assert inside.overlapped is not None
    return inside.overlapped
