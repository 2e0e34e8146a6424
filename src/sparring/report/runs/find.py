"""The runs below a folder."""

import csv
import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from sparring.report.runs.row import DAMAGED, RunRow, filled, read_row
from sparring.run.search import is_run

LEFTOVERS = ("status.json", "result.json", "weights.safetensors")  # of a run whose settings are gone
NOT_STARTED = "not started"
SWEEP_CSV = "sweep.csv"


def runs_below(folder: Path) -> Iterator[Path]:
    """Run directories in `folder`, by path.

    Those inside of a run, such as the cells of a study, count only where it is `folder` itself. Links to folders are not
    followed. A directory that was a run and lost its settings counts.
    """
    if is_run(folder):
        inner = [*_below(folder)]
        yield from inner or [folder]
    else:
        yield from _below(folder)


def _below(folder: Path) -> Iterator[Path]:
    try:
        names = [entry.name for entry in os.scandir(folder) if entry.is_dir(follow_symlinks=False)]
    except OSError:  # may not be looked into: what can be read is shown
        return
    for path in (folder / name for name in sorted(names, key=_natural) if not name.startswith(".")):
        if is_run(path) or any((path / name).is_file() for name in LEFTOVERS):
            yield path
        else:
            yield from _below(path)


def _natural(name: str) -> list[tuple[int, str]]:
    """Orders 2_x before 10_x."""
    return [(int(part), "") if part.isdecimal() else (0, part) for part in re.split(r"(\d+)", name)]


def collect(folders: Sequence[Path], *, root: Path) -> list[RunRow]:
    """A row for every run below `folders`, each with the values of all choices that differ.

    Args:
        root: the folder of the page.
    """
    paths = list(dict.fromkeys(path for folder in folders for path in runs_below(folder)))
    rows = [read_row(path, root=root) for path in paths]
    typed = Counter((key, value) for row in rows for key, value in row.overrides.items())
    healthy = sum(bool(row.overrides) or row.state != DAMAGED for row in rows)
    differing = list(dict.fromkeys(key for (key, _), count in typed.items() if count < healthy))
    rows = [filled(row, differing, path) for row, path in zip(rows, paths, strict=True)]
    return rows + [row for folder in folders for row in _never_started(folder, rows, root)]


def _never_started(folder: Path, rows: Sequence[RunRow], root: Path) -> Iterator[RunRow]:
    """Jobs of a sweep that its table lists and that left no directory."""
    try:
        with (folder / SWEEP_CSV).open(newline="", encoding="utf-8", errors="replace") as file:
            listed = list(csv.DictReader(file))
    except (OSError, csv.Error):
        return
    known = {row.directory for row in rows}
    for each in listed:
        path = folder / (each.get("directory") or ".")
        directory = path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)
        if each.get("state") == NOT_STARTED and directory not in known:
            names = list(each)
            chosen = names[names.index("job") + 1 : names.index("state")] if "job" in names else []
            yield RunRow(None, {key: each[key] for key in chosen}, NOT_STARTED, None, None, directory)
