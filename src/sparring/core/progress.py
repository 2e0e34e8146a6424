"""How far a piece of work is, on stderr: a live bar on a terminal, and elsewhere a line every few seconds.

The lines come from a thread of their own, so that a step which takes long is not silent. Work that is done before the first
line is due says nothing. Inside a `heartbeat` a line is due by the time since the last one, whatever said it, so that many
short pieces of work are not silent either.
"""

import contextlib
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
    _open = 0  # pieces of work that say how far they are
    _said: float | None = None  # time of the last line, inside a heartbeat

    def __init__(self, what: str, total: int | None = None, *, done: int = 0, seconds: float = SECONDS) -> None:
        self.what, self.total, self.done, self.seconds = what, total, done, seconds
        self.note = ""
        self._first, self._started = done, time.perf_counter()
        self._bar: rich.progress.Progress | None = None
        self._closed = threading.Event()
        self._closed.set()
        self._thread: threading.Thread | None = None
        self._printed = ""
        self._speaking = elsewhere()

    def __enter__(self) -> Self:
        self._started = time.perf_counter()
        self._closed.clear()
        self._speaking.__enter__()
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
        if self._closed.is_set():
            return
        self._closed.set()
        self._speaking.__exit__(None, None, None)
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
            Progress._on_terminal = False
        if self._thread is not None:
            self._thread.join()
            self._thread = None
            if last and self.line() != self._printed:
                self._say()

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
        said = Progress._said if Progress._said is not None else self._started
        while not self._closed.wait(max(0.0, said + self.seconds - time.perf_counter())):
            said = max(said, Progress._said or 0.0)
            if time.perf_counter() >= said + self.seconds:
                self._say()
                said = time.perf_counter()

    def _say(self) -> None:
        self._printed = self.line()
        say(self._printed)
        if Progress._said is not None:
            Progress._said = time.perf_counter()

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


@contextlib.contextmanager
def elsewhere() -> Iterator[None]:
    """Inside, somebody else says how far the work is, and the heartbeat is silent."""
    Progress._open += 1
    try:
        yield
    finally:
        Progress._open -= 1
        if Progress._said is not None and sys.stderr.isatty():
            Progress._said = time.perf_counter()  # a bar was there until now


@contextlib.contextmanager
def heartbeat(what: str, *, seconds: float = SECONDS) -> Iterator[None]:
    """Inside, a line comes every `seconds` seconds also from work that does not say how far it is, on a terminal too."""
    started, closed = time.perf_counter(), threading.Event()
    Progress._said = started

    def beat() -> None:
        while not closed.wait(max(0.01, (Progress._said or started) + seconds - time.perf_counter())):
            if Progress._open:
                closed.wait(seconds / 10)
            elif time.perf_counter() >= (Progress._said or started) + seconds:
                say(f"{what}, {clock(time.perf_counter() - started)}")
                Progress._said = time.perf_counter()

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        closed.set()
        thread.join()
        Progress._said = None
