"""Progress of a study: a live line on a terminal, plain lines elsewhere, and the table cells.csv while it runs."""

import csv
import io
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.text import Text

from sparring.core.atomic import write_atomic
from sparring.core.errors import printable
from sparring.core.progress import elsewhere
from sparring.core.terminal import say
from sparring.study.engine.plan import Planned
from sparring.study.engine.run import CellOutcome

COLUMNS = ("cell", "verb", "state", "seconds", "reason", "key")
CSV_SECONDS = 2.0  # at least, between two writings of cells.csv
NAMED_CELLS = 3  # running cells named in a line


class Progress:
    """Counts cells. As a context manager it shows the live line and writes cells.csv at the end, also after an error.

    Args:
        planned: every cell of the study.
        csv_file: where the table goes.
        workers: cells that run at a time, for the time left.
        line_seconds: between two lines where there is no terminal; a failure is printed at once.
    """

    def __init__(self, planned: Sequence[Planned], csv_file: Path, *, workers: int, line_seconds: float) -> None:
        self._planned = {each.cell.name: each for each in planned}
        self._file, self._workers, self._line_seconds = csv_file, workers, line_seconds
        self._outcomes: dict[str, CellOutcome] = {}
        self._running: dict[str, float] = {}
        self._last_csv = 0.0
        self._last_line = time.monotonic() - line_seconds  # the first line comes at once
        self._speaking = elsewhere()
        self._console = Console(stderr=True, highlight=False)
        terminal = sys.stderr.isatty()
        self._live = Live(console=self._console, refresh_per_second=4, transient=True) if terminal else None

    def __enter__(self) -> Self:
        self._speaking.__enter__()
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(self, *exception: object) -> None:
        if self._live is not None:
            self._live.stop()
        self._speaking.__exit__(None, None, None)
        self._write()

    def started(self, name: str) -> None:
        self._running[name] = time.monotonic()

    def ended(self, name: str, outcome: CellOutcome) -> None:
        self._running.pop(name, None)
        self._outcomes[name] = outcome
        if outcome.state == "failed":
            self._console.print(printable(f"cell {name} failed: {outcome.reason}"), markup=False, soft_wrap=True)

    def tick(self) -> None:
        now = time.monotonic()
        if self._live is not None:
            self._live.update(Text(self.line(), overflow="ellipsis", no_wrap=True))
        elif now - self._last_line >= self._line_seconds:
            self._last_line = now
            say(self.line())
        if now - self._last_csv >= CSV_SECONDS:
            self._write()

    def line(self) -> str:
        """12/40 cells, 1 failed, 3 min left; running: r1/gan, r1/real."""
        done = len(self._outcomes)
        failed = sum(outcome.state == "failed" for outcome in self._outcomes.values())
        parts = [f"{done}/{len(self._planned)} cells", *([f"{failed} failed"] if failed else [])]
        left = self.seconds_left()
        if left is not None and done < len(self._planned):
            parts.append(f"{left / 60:.0f} min left" if left >= 120 else f"{left:.0f} s left")
        names = [*list(self._running)[:NAMED_CELLS], *(["..."] if len(self._running) > NAMED_CELLS else [])]
        return ", ".join(parts) + (f"; running: {', '.join(names)}" if names else "")

    def seconds_left(self) -> float | None:
        """Estimated from the mean time of finished cells of the same kind, else of all; None before the first one."""
        times: dict[object, list[float]] = {}
        for name, outcome in self._outcomes.items():
            if outcome.state == "finished":
                times.setdefault(self._kind(name), []).append(outcome.seconds)
        if not times:
            return None
        mean = {kind: sum(seconds) / len(seconds) for kind, seconds in times.items()}
        other = sum(mean.values()) / len(mean)
        now, total = time.monotonic(), 0.0
        for name in self._planned.keys() - self._outcomes.keys():
            elapsed = now - self._running[name] if name in self._running else 0.0
            total += max(0.0, mean.get(self._kind(name), other) - elapsed)
        return total / self._workers

    def _kind(self, name: str) -> object:
        """Cells of one kind differ in the replicate alone, and take about the same time."""
        cell = self._planned[name].cell
        return cell.verb, tuple((tag, value) for tag, value in cell.tags.items() if tag != "replicate")

    def _write(self) -> None:
        self._last_csv = time.monotonic()
        tags = list(dict.fromkeys(tag for each in self._planned.values() for tag in each.cell.tags))
        text = io.StringIO()
        table = csv.writer(text)
        table.writerow([COLUMNS[0], *tags, *COLUMNS[1:]])
        for name, each in self._planned.items():
            outcome = self._outcomes.get(name)
            state = outcome.state if outcome else "running" if name in self._running else "waiting"
            values = [each.cell.tags.get(tag, "") for tag in tags]
            ending = [outcome.seconds, outcome.reason] if outcome else ["", ""]
            table.writerow([name, *values, each.cell.verb, state, *ending, each.key])
        write_atomic(self._file, text.getvalue().encode())
