"""Runs a plan: each cell when its inputs are there, none twice, and whatever happens to one, the others go on."""

import contextlib
import logging
import shutil
from collections.abc import Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal, Protocol

from sparring.executor.base import Detached
from sparring.executor.support.answer import CallStopped
from sparring.study.engine.plan import Planned
from sparring.study.engine.work import CellRecord, StageCall, run_cell

State = Literal["finished", "failed", "skipped", "diverged"]
log = logging.getLogger(__name__)
TICK_SECONDS = 0.25  # between two updates of the progress while cells run


@dataclass(frozen=True)
class CellOutcome:
    """How a cell ended.

    Args:
        state: "skipped" if one of its inputs failed; "diverged" instead of "failed" in a study to which that is a result.
        reason: why it failed or was skipped; empty for a finished cell.
        seconds: wall time in the worker.
        reused: it was finished, or had failed, in an earlier run of the study.
    """

    state: State
    reason: str
    seconds: float
    reused: bool


class Watcher(Protocol):
    """Receives the events of a run; see `display.Progress`."""

    def started(self, name: str) -> None:
        """A cell was given to the executor."""

    def ended(self, name: str, outcome: CellOutcome) -> None:
        """A cell ended, now or in an earlier run of the study."""

    def tick(self) -> None:
        """Called several times a second while cells run."""


def run(planned: Sequence[Planned], executor: Executor, watcher: Watcher, *, call: StageCall, retry: bool, workers: int,
        archive: Path) -> dict[str, CellOutcome]:  # fmt: skip
    """Run what is not finished; the outcome of every cell by name.

    Args:
        planned: the cells, each after its inputs.
        executor: runs the calls.
        watcher: receives the start and end of every cell.
        call: how a stage is called in a worker.
        retry: whether cells that failed before are tried again.
        workers: cells given to `executor` at a time.
        archive: folder for the run directories of cells that are run again.

    Raises:
        Interrupted, KeyboardInterrupt: the study was stopped; finished cells keep their records.
    """
    outcomes = _earlier_outcomes(planned, retry=retry)
    for name, outcome in outcomes.items():
        watcher.ended(name, outcome)
    waiting = [each for each in planned if each.cell.name not in outcomes]
    running: dict[Future[CellRecord], Planned] = {}
    while waiting or running:
        _skip_blocked(waiting, outcomes, watcher)
        for each in _ready(waiting, outcomes)[: workers - len(running)]:
            waiting.remove(each)
            running[_submit(each, executor, watcher, call, archive)] = each
        if not running:
            continue
        finished, _ = wait(running, timeout=TICK_SECONDS, return_when=FIRST_COMPLETED)
        for future in finished:
            each = running.pop(future)
            record = _record_of(future, each)
            outcomes[each.cell.name] = CellOutcome(record.state, record.reason, record.seconds, reused=False)
            watcher.ended(each.cell.name, outcomes[each.cell.name])
        watcher.tick()
    return {each.cell.name: outcomes[each.cell.name] for each in planned}


def _earlier_outcomes(planned: Sequence[Planned], *, retry: bool) -> dict[str, CellOutcome]:
    """Outcomes of an earlier run of the study that still hold: cells of the same key."""
    outcomes: dict[str, CellOutcome] = {}
    outdated = 0
    for each in planned:
        record = CellRecord.read(each.folder)
        outdated += record is not None and record.state == "finished" and record.key != each.key
        if record is None or record.key != each.key or (retry and record.state == "failed"):
            continue
        if (file := record.damaged(each.folder)) is not None:
            log.warning("%s of cell %s is damaged: the cell runs again.", file, each.cell.name)
            continue
        outcomes[each.cell.name] = CellOutcome(record.state, record.reason, record.seconds, reused=True)
    if outdated:
        log.warning(
            "%d finished cells have other code or settings and run again; archive/ keeps the old ones.", outdated
        )
    return outcomes


def _ready(waiting: Sequence[Planned], outcomes: Mapping[str, CellOutcome]) -> list[Planned]:
    return [each for each in waiting if all(name in outcomes for name in each.inputs)]


def _skip_blocked(waiting: list[Planned], outcomes: dict[str, CellOutcome], watcher: Watcher) -> None:
    """Skip cells that need one that failed; in the order of the plan, so that their dependants follow in the same pass."""
    for each in list(waiting):
        failed = [name for name in each.inputs if name in outcomes and outcomes[name].state != "finished"]
        if failed:
            waiting.remove(each)
            what = "failed" if outcomes[failed[0]].state == "failed" else "was skipped"
            outcomes[each.cell.name] = CellOutcome("skipped", f"needs {failed[0]}, which {what}", 0.0, reused=False)
            watcher.ended(each.cell.name, outcomes[each.cell.name])


def _submit(
    each: Planned, executor: Executor, watcher: Watcher, call: StageCall, archive: Path
) -> "Future[CellRecord]":
    """Start a cell, or find it where an earlier run of the study has started it in a cluster, and it runs yet."""

    def read() -> CellRecord | None:
        record = CellRecord.read(each.folder)
        return record if record is not None and record.key == each.key else None

    running = None
    if isinstance(executor, Detached):
        running = executor.rejoin(each.folder, each.key, read)
        ended = read() if running is None else None  # in a cluster, since this study looked what there is
        if ended is not None and ended.state == "finished" and ended.damaged(each.folder) is None:
            watcher.started(each.cell.name)
            done: Future[CellRecord] = Future()
            done.set_result(ended)
            return done
    if running is None:
        _archive(each.folder, each.cell.name, archive)
    watcher.started(each.cell.name)
    watcher.tick()
    if running is not None:
        log.warning("cell %s runs already, and is not started again.", each.cell.name)
        return running
    cell = partial(
        run_cell, call, each.cell.verb, each.config, each.cell.overrides, each.folder, each.key, start=each.start,
        keep_state=each.cell.keeps_state,
    )  # fmt: skip
    return executor.submit_at(each.folder, each.key, cell) if isinstance(executor, Detached) else executor.submit(cell)


def _archive(folder: Path, name: str, archive: Path) -> None:
    """Move the run directory of a stopped, failed or outdated cell to `archive`, numbered."""
    if not folder.exists():
        return
    archive.mkdir(exist_ok=True)
    flat = name.replace("/", "_")
    number = 1 + max((int(path.name.rpartition(".")[2]) for path in archive.glob(f"{flat}.*")), default=0)
    shutil.move(folder, archive / f"{flat}.{number}")


def _record_of(future: "Future[CellRecord]", each: Planned) -> CellRecord:
    """What the worker recorded; a call that raised is recorded here as failed, unless it was stopped."""
    error = future.exception()
    if error is None:
        return future.result()
    record = CellRecord(each.key, "failed", f"{error}", 0.0, {})
    if isinstance(error, CallStopped):  # without a record, the cell is run again when the study goes on
        return record
    with contextlib.suppress(OSError):
        each.folder.mkdir(parents=True, exist_ok=True)
        record.write(each.folder)
    return record
