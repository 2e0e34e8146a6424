"""How far a piece of work is, on stderr: a live bar on a terminal, and elsewhere a line every few seconds.

The lines come from a thread of their own, so that a step which takes long is not silent. Work that is done before the first
line is due says nothing.
"""

import sys
import threading
import time
from collections.abc import Iterable, Iterator, Sized
from typing import TYPE_CHECKING, Self, TypeVar

from sparring.core.terminal import say

if TYPE_CHECKING:
    import rich.progress

T = TypeVar("T")
SECONDS = 5.0  # between two lines where there is no terminal


class Progress:
    """Counts what is done of `total` while it is open.

    On a terminal one bar is shown at a time: inside another one, it is silent.

    Args:
        what: is done, in a few words: "iteration", "images".
        total: how much there is; None where nobody knows.
        done: what was done before, by an earlier process: speed and time left are those of the rest.
        seconds: between two lines.
    """

    _on_terminal = False

    def __init__(self, what: str, total: int | None = None, *, done: int = 0, seconds: float = SECONDS) -> None:
        self.what, self.total, self.done, self.seconds = what, total, done, seconds
        self.note = ""
        self._first, self._started = done, time.perf_counter()
        self._bar: rich.progress.Progress | None = None
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None
        self._printed = ""

    def __enter__(self) -> Self:
        self._started = time.perf_counter()
        if sys.stderr.isatty():
            if not Progress._on_terminal:
                Progress._on_terminal = True
                self._bar = self._shown_bar()
        else:
            self._thread = threading.Thread(target=self._print_lines, daemon=True)
            self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def update(self, done: int, note: str | None = None) -> None:
        """`done` of `total`; `note` is what else there is to say, such as losses."""
        self.done = done
        self.note = self.note if note is None else note
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], completed=done, figures=self.figures(), note=self.note)

    def advance(self, count: int = 1) -> None:
        """`count` more are done."""
        self.update(self.done + count)

    def close(self, *, last: bool = False) -> None:
        """Remove the bar, or stop the lines; `last` prints one more, of the end."""
        self._closed.set()
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
            Progress._on_terminal = False
        if self._thread is not None:
            self._thread.join()
            self._thread = None
            if last and self.line() != self._printed:
                say(self.line())

    def line(self) -> str:
        """`iteration 95/150, 63 %, 12.3 it/s, 8 s, 5 s left, loss D 0.491`: all that is known, in at most one line."""
        total = "" if self.total is None else f"/{self.total}"
        count = f" {self.done}{total}" if self.done or self.total is not None else ""
        return ", ".join(filter(None, [f"{self.what}{count}", self.figures(), self.note]))

    def figures(self) -> str:
        """Percent, speed, seconds so far and seconds left; of these what is known."""
        elapsed, done = time.perf_counter() - self._started, self.done - self._first
        parts = []
        if self.total:
            parts.append(f"{100 * self.done // self.total} %")
        if done and elapsed > 0:
            parts.append(f"{done / elapsed:.3g} it/s")
        parts.append(clock(elapsed))
        if self.total and done and self.done < self.total:
            parts.append(f"{clock(elapsed / done * (self.total - self.done))} left")
        return ", ".join(parts)

    def _print_lines(self) -> None:
        while not self._closed.wait(self.seconds):
            self._printed = self.line()
            say(self._printed)

    def _shown_bar(self) -> "rich.progress.Progress":
        from rich.console import Console
        from rich.progress import BarColumn, TextColumn
        from rich.progress import Progress as Bar

        count = "{task.completed:.0f}/{task.total:.0f}" if self.total is not None else "{task.completed:.0f}"
        columns = [
            TextColumn(f"{self.what} {count}" if self.total is not None else f"{self.what} ..."),
            BarColumn(bar_width=8),  # the whole line fits 80 columns
            TextColumn("{task.fields[figures]}"),
            TextColumn("{task.fields[note]}"),
        ]
        bar = Bar(*columns, console=Console(stderr=True), refresh_per_second=4, transient=self.total is None)
        bar.add_task("", total=self.total, completed=self._first, figures=self.figures(), note="")
        bar.start()
        return bar


def clock(seconds: float) -> str:
    """8 s, 3 min 05 s, 2 h 07 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes} min {rest:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def tracked(items: Iterable[T], what: str, *, total: int | None = None) -> Iterator[T]:
    """`items`, with how many have been taken; `total` where they have no length."""
    if total is None and isinstance(items, Sized):
        total = len(items)
    with Progress(what, total) as progress:
        for item in items:
            yield item
            progress.advance()


def working(what: str) -> Progress:
    """A context manager for work whose length nobody knows: `with working("features of the test images"):`."""
    return Progress(what)
