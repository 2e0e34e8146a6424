"""Running the jobs of a sweep as processes, and the table of what became of them."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import IO

from sparring.core.gpus import share
from sparring.core.program import shown
from sparring.core.signals import HANDLED, LAST, SAVING, tied_children
from sparring.core.terminal import say

_POLL_SECONDS = 0.05
_PATIENCE_SECONDS = 5.0  # for helpers of a job that failed; ranks waiting for a dead one would wait half an hour
BEFORE = "finished before"
_MEANINGS = {2: "configuration", 3: "data", 4: "diverged", 5: "out of memory", 6: "checkpoint", 7: "disk"}


@dataclass(frozen=True)
class SweepJob:
    """What is to run, and where it writes.

    gpus: that it uses; None: it says itself which. before: what became of it in an earlier sweep, as `again.Place` says it.
    """

    number: int
    overrides: tuple[str, ...]
    command: tuple[str, ...]
    directory: Path
    gpus: int | None = None
    before: str = "new"

    def __str__(self) -> str:
        return " ".join(self.overrides)


@dataclass(frozen=True)
class JobOutcome:
    """What became of a job; `exit_code` is None when it was never started."""

    job: SweepJob
    exit_code: int | None
    seconds: float
    state: str
    reason: str
    stopped_by: int | None = None  # the signal that ended the sweep


class _Running:
    """A started job. It leads a process group of its own, so it and its helpers can be signalled once, together."""

    def __init__(
        self, job: SweepJob, environment: Mapping[str, str], prefix: str | None, slot: int, descriptors: Sequence[int]
    ) -> None:
        self.job, self.slot = job, slot
        self.start = time.monotonic()
        pipe = None if prefix is None else subprocess.PIPE
        # Lines of a job that writes into a pipe are to appear when they are printed.
        environment = {**environment, "PYTHONUNBUFFERED": "1"} if pipe else environment
        self.process = subprocess.Popen(
            job.command, env=environment, start_new_session=True, stdin=subprocess.DEVNULL,
            stdout=pipe, stderr=None if pipe is None else subprocess.STDOUT, pass_fds=descriptors,
        )  # fmt: skip
        self.printer: threading.Thread | None = None
        if prefix is not None and self.process.stdout is not None:
            self.printer = threading.Thread(target=_print_lines, args=(self.process.stdout, prefix), daemon=True)
            self.printer.start()

    def send(self, number: int, *, everyone: bool) -> None:
        with contextlib.suppress(ProcessLookupError):
            if everyone:
                os.killpg(self.process.pid, number)
            else:
                self.process.send_signal(number)

    def finish(self) -> JobOutcome:
        """After the process ended: stop its helpers and read its status."""
        seconds = time.monotonic() - self.start
        code = self.process.returncode
        exit_code = code if code >= 0 else 128 - code  # as a shell reports a signal
        if code != 0:
            self._end_helpers()
        if self.printer is not None:
            self.printer.join(timeout=_PATIENCE_SECONDS)
        state, reason = _status(self.job.directory, exit_code)
        return JobOutcome(job=self.job, exit_code=exit_code, seconds=seconds, state=state, reason=reason)

    def _end_helpers(self) -> None:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while time.monotonic() < deadline:
            try:
                os.killpg(self.process.pid, 0)
            except ProcessLookupError:
                return
            time.sleep(_POLL_SECONDS)
        self.send(signal.SIGKILL, everyone=True)


class _Stop:
    """Passes signals on to the running jobs; after one that asks to stop no further job starts."""

    def __init__(self) -> None:
        self.running: list[_Running] = []
        self.signal: int | None = None
        self.count = 0

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if number in SAVING:
            for item in self.running:
                item.send(number, everyone=False)
            return
        self.signal = self.signal or number
        self.count += 1
        for item in self.running:
            if self.count >= LAST:
                item.send(signal.SIGKILL, everyone=True)
            else:
                # As a terminal and `kill <pid>` do: Ctrl-C reaches every process of the job, SIGTERM its first one.
                item.send(number, everyone=number == signal.SIGINT)

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Signals come here inside, and go where they went before afterwards."""
        heard = [number for number in HANDLED if signal.getsignal(number) is not signal.SIG_IGN]
        before = {number: signal.signal(number, self) for number in heard}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def run_jobs(
    jobs: Sequence[SweepJob], *, environment: Mapping[str, str], n_jobs: int, fail_fast: bool
) -> list[JobOutcome]:
    """Run `jobs`, `n_jobs` at a time, in order; a failed one does not stop the others unless `fail_fast`.

    SIGINT, SIGTERM and SIGHUP go to the running jobs, which are then waited for; the rest is not started. SIGUSR1 and SIGUSR2 go
    to them too. A job stops, its state saved, when this process is killed.

    Args:
        environment: of every job's process.
    """
    outcomes: dict[int, JobOutcome] = {}
    waiting = list(jobs)
    stop = _Stop()
    with tied_children() as (tie, descriptors), stop.listening():
        environment = {**environment, **tie}
        while stop.running or waiting:
            failed = any(outcome.exit_code for outcome in outcomes.values())
            if stop.signal is not None or (fail_fast and failed):
                for job in waiting:
                    outcomes[job.number] = JobOutcome(job, None, 0.0, "not started", "", stop.signal)
                waiting = []
            while waiting and len(stop.running) < n_jobs and stop.signal is None:
                job = waiting.pop(0)
                if (without := _without_start(job)) is not None:
                    outcomes[job.number] = without
                    continue
                slot = min(set(range(n_jobs)) - {item.slot for item in stop.running})
                own = share(environment, slot, each=job.gpus) if n_jobs > 1 else {}
                verb = "goes on" if job.before == "unfinished" else "start"
                of = f" ({len(jobs)} jobs)" if len(jobs) > 1 else ""
                _print(f"[{job.number}] {verb}{of}: {job} -> {shown(job.directory)}")
                prefix = f"[{job.number}] " if n_jobs > 1 else None
                stop.running.append(_Running(job, {**environment, **own}, prefix, slot, descriptors))
            for item in [item for item in stop.running if item.process.poll() is not None]:
                stop.running.remove(item)
                outcomes[item.job.number] = outcome = item.finish()
                _print(_end_line(outcome))
            time.sleep(_POLL_SECONDS)
    if stop.signal is not None:
        return [JobOutcome(**{**vars(outcomes[job.number]), "stopped_by": stop.signal}) for job in jobs]
    return [outcomes[job.number] for job in jobs]


def _without_start(job: SweepJob) -> JobOutcome | None:
    """The outcome of a job that has run before, or that another process is running; None if it is to be started."""
    if job.before == "finished":
        _print(f"[{job.number}] finished before: {job} -> {shown(job.directory)}")
        return JobOutcome(job, 0, 0.0, "finished", BEFORE)
    if job.before == "busy":
        _print(f"[{job.number}] is being run by another process: {job} -> {shown(job.directory)}")
        return JobOutcome(job, None, 0.0, "running", "being run by another process")
    return None


def _status(directory: Path, exit_code: int) -> tuple[str, str]:
    """(state, reason) from the job's status.json, or from its exit code when it has written none or was killed."""
    by_code = {0: "finished", 129: "interrupted", 130: "interrupted", 137: "killed", 143: "interrupted"}.get(
        exit_code, "failed"
    )
    try:
        status = json.loads((directory / "status.json").read_text())
        state, reason = str(status["state"]), str(status["reason"])
    except (OSError, ValueError, KeyError, TypeError):
        return by_code, _MEANINGS.get(exit_code, "see its output" if by_code == "failed" else "")
    # A process that was killed could not change its `running`.
    return (by_code, "") if state == "running" else (state, reason)


def _end_line(outcome: JobOutcome) -> str:
    how = (
        f" (exit code {outcome.exit_code}{', ' if outcome.reason else ''}{outcome.reason})" if outcome.exit_code else ""
    )
    return f"[{outcome.job.number}] {outcome.state} after {outcome.seconds:.1f} s{how}"


def _print_lines(stream: IO[bytes], prefix: str) -> None:
    for line in stream:
        _print(prefix + line.decode(errors="replace").rstrip("\r\n").rpartition("\r")[2])


def _print(line: str) -> None:
    with contextlib.suppress(OSError):  # whoever read it is gone: the jobs still have to be waited for
        say(line, file=sys.stdout)
