"""What became of a sweep: a table on the terminal, `sweep.csv` and a page in its folder."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from sparring.cli.sweep import BEFORE, JobOutcome
from sparring.core.errors import printable
from sparring.core.program import shown
from sparring.core.terminal import say
from sparring.report.runs import page
from sparring.report.runs.find import SWEEP_CSV
from sparring.report.runs.finding import finding
from sparring.report.runs.row import DAMAGED, RunRow, as_choices, read_row
from sparring.report.runs.table import table

PIPED_WIDTH = 160  # characters of a line where there is no terminal


def summary(outcomes: Sequence[JobOutcome], *, again: str = "") -> int:
    """Print the table of a sweep; exit code of the whole: 0, 1 when a job failed, 128 + signal when it was stopped.

    Args:
        again: the command that runs what is not finished.
    """
    folder = Path(os.path.commonpath([outcome.job.directory.parent for outcome in outcomes]))
    rows = [_row(outcome, folder) for outcome in outcomes]
    _print(rows, title=shown(folder))
    bad = sum(outcome.exit_code != 0 for outcome in outcomes)
    ending = f"{len(outcomes) - bad} of {len(outcomes)} jobs finished{f', {bad} did not' if bad else ''}"
    words, figures = finding(rows)
    if folder.is_dir():
        place, csv = folder / "report.html", folder / SWEEP_CSV
        page.write(folder, rows, kind="sweep", ending=f"{ending}.", page=place, table=csv)
        say(f"Table: {shown(csv)}", file=sys.stdout)
    say(f"Result: {ending}. {words}".rstrip() + f"\nNumbers: {figures}", file=sys.stdout)
    if folder.is_dir():
        say(f"Report: {shown(place)}", file=sys.stdout)
    if again:
        say(f"Unfinished: {again}", file=sys.stdout)
    stopped = next((outcome.stopped_by for outcome in outcomes if outcome.stopped_by is not None), None)
    return 128 + stopped if stopped is not None else int(bad > 0)


def _row(outcome: JobOutcome, folder: Path) -> RunRow:
    """What the job left, with what the sweep saw of it; its state says why it left nothing, or something damaged."""
    started, directory = outcome.exit_code is not None, outcome.job.directory
    left = read_row(directory, root=folder)
    seen = {
        "number": outcome.job.number, "overrides": as_choices(outcome.job.overrides), "state": outcome.state,
        "seconds": outcome.seconds if started else None, "exit_code": outcome.exit_code, "reason": outcome.reason,
    }  # fmt: skip
    if outcome.reason == BEFORE:
        seen["seconds"] = left.seconds
    if left.state == DAMAGED and outcome.exit_code == 0:
        seen["reason"] = left.reason
    return RunRow(**{**vars(left), **seen})


def _print(rows: Sequence[RunRow], *, title: str) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    made, codes = table(rows), [row.exit_code for row in rows]
    shown_table = Table(*map(escape, made.columns), title=title)
    for cells, code in zip(made.rows, codes, strict=True):
        color = "green" if code == 0 else "yellow" if code in (None, 130, 143) else "red"
        state = len(cells) - 3
        texts = [escape(printable(cell)) for cell in cells]
        texts[state] = f"[{color}]{texts[state]}[/{color}]"
        shown_table.add_row(*texts)
    for i, cells in enumerate(made.means):
        if i == 0:
            shown_table.add_section()
        shown_table.add_row(*map(escape, cells))
    Console(width=None if sys.stdout.isatty() else PIPED_WIDTH, highlight=False).print(shown_table)
