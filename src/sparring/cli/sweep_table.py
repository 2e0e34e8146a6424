"""What became of a sweep: a table on the terminal, `sweep.csv` and a page in its folder."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from sparring.cli.sweep import JobOutcome
from sparring.core.errors import CheckpointError, printable
from sparring.core.program import shown
from sparring.core.terminal import say
from sparring.report import sweep
from sparring.report.record import MetricTable
from sparring.report.sweep import SweepRow
from sparring.run.directory import RunDir

PIPED_WIDTH = 160  # characters of a line where there is no terminal


def summary(outcomes: Sequence[JobOutcome]) -> int:
    """Print the table of a sweep; exit code of the whole: 0, 1 when a job failed, 128 + signal when it was stopped."""
    folder = Path(os.path.commonpath([outcome.job.directory.parent for outcome in outcomes]))
    rows = [_row(outcome, folder) for outcome in outcomes]
    _print(rows, title=shown(folder))
    bad = sum(outcome.exit_code != 0 for outcome in outcomes)
    ending = f"{len(outcomes) - bad} of {len(outcomes)} jobs finished{f', {bad} did not' if bad else ''}"
    say(ending, file=sys.stdout)
    if folder.is_dir():
        page = sweep.write(folder, rows, ending=f"{ending}.")
        say(f"Table: {shown(folder / 'sweep.csv')}\nReport: {shown(page)}", file=sys.stdout)
    stopped = next((outcome.stopped_by for outcome in outcomes if outcome.stopped_by is not None), None)
    return 128 + stopped if stopped is not None else int(bad > 0)


def _row(outcome: JobOutcome, folder: Path) -> SweepRow:
    run, started = RunDir(outcome.job.directory), outcome.exit_code is not None
    try:
        result = run.result()
    except CheckpointError:  # none, or a damaged one; its state says why
        result = {}
    return SweepRow(
        number=outcome.job.number,
        overrides=dict(item.partition("=")[::2] for item in outcome.job.overrides),
        state=outcome.state,
        seconds=outcome.seconds if started else None,
        exit_code=outcome.exit_code,
        directory=str(outcome.job.directory.relative_to(folder)),
        reason=outcome.reason,
        result=result,
        series=MetricTable.read(run.metrics_csv).series(),
    )


def _print(rows: Sequence[SweepRow], *, title: str) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    made, codes = sweep.table(rows), [row.exit_code for row in rows]
    table = Table(*map(escape, made.columns), title=title)
    for cells, code in zip(made.rows, codes, strict=True):
        color = "green" if code == 0 else "yellow" if code in (None, 130, 143) else "red"
        state = len(cells) - 3
        texts = [escape(printable(cell)) for cell in cells]
        texts[state] = f"[{color}]{texts[state]}[/{color}]"
        table.add_row(*texts)
    for i, cells in enumerate(made.means):
        if i == 0:
            table.add_section()
        table.add_row(*map(escape, cells))
    Console(width=None if sys.stdout.isatty() else PIPED_WIDTH, highlight=False).print(table)
