"""What executors share whose calls run in a cluster and go on there when this program ends."""

import hashlib
import json
import pickle
import threading
import time
import uuid
from abc import abstractmethod
from collections.abc import Callable
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any, TypeVar

from sparring.core.atomic import write_atomic
from sparring.core.errors import ConfigError
from sparring.core.terminal import say
from sparring.executor.support.answer import WITHDRAWN, WorkerDied, answer_to_file, claimed

T = TypeVar("T")
_POLL_SECONDS = 0.5


class Detached(Executor):
    """`submit` is that of concurrent.futures. A call that has a place is found again there by the next program.

    outlives: whether calls go on when this program ends.

    Args:
        workers: calls given to the engine at a time.
        threads: of torch in each of them.
        run_dir: of the study, for what is known of the calls; every machine must see it.

    Raises:
        ConfigError: a number below 1.
    """

    outlives = True
    own_name: Callable[[], str]  # asked inside of a call: the name that `_start` returned for it

    def __init__(self, *, workers: int, threads: int, run_dir: str) -> None:
        if workers < 1 or threads < 1:
            raise ConfigError(f"executor.workers={workers} and executor.threads={threads} must be at least 1.")
        self.workers, self._threads, self._folder = workers, threads, Path(run_dir).absolute() / "jobs"
        self._folder.mkdir(parents=True, exist_ok=True)
        self._closed = threading.Event()
        self._watchers: list[threading.Thread] = []
        self._futures: list[Future[Any]] = []

    @abstractmethod
    def _start(self, fn: Callable[..., Any], *args: Any) -> str:
        """Give a call to the engine; the name by which any program finds it there."""

    @abstractmethod
    def _alive(self, job: str) -> bool:
        """Whether the call waits or runs."""

    @abstractmethod
    def _cancel(self, job: str) -> None:
        """End a call that waits or runs."""

    @abstractmethod
    def _log(self, job: str) -> str:
        """Where to read why a call died."""

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> "Future[T]":
        return self._given(fn, args, kwargs)[0]

    def submit_at(self, place: Path, key: str, fn: Callable[..., T], /, *args: Any) -> "Future[T]":
        """`submit`, and a note of it under `place`. See `rejoin`."""
        claim, note = self._folder / f"{uuid.uuid4().hex}.claim", self._note(place)
        # First the intention: a kill between the submission and its note would leave a call that nobody knows of.
        write_atomic(note, json.dumps({"key": key, "claim": claim.name, "job": None}).encode())
        future, job = self._given(fn, args, {}, claim)
        write_atomic(note, json.dumps({"key": key, "claim": claim.name, "job": job}).encode())
        return future

    def rejoin(self, place: Path, key: str, read: Callable[[], T | None]) -> "Future[T] | None":
        """The call that an earlier program gave for `place`, if it still waits or runs; one with another key is ended.

        Args:
            place: directory that the call writes.
            key: of what is to be computed there.
            read: what the call returns, from the files that it leaves; None while it has not.
        """
        try:
            note = json.loads(self._note(place).read_text("utf-8"))
            there, job = str(note["key"]), note["job"] or self._started(self._folder / str(note["claim"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None
        if job is None or not self._alive(str(job)):
            return None
        if there != key:
            self._cancel(job)
            while self._alive(job):
                time.sleep(_POLL_SECONDS)
            return None
        return self._watched(job, read)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """With `cancel_futures` nothing is waited for: what has a place goes on in the cluster, and `rejoin` finds it."""
        if cancel_futures:
            running = sum(not future.done() for future in self._futures)
            if running and self.outlives:
                say(f"{running} cells go on without this command; the same one finds them again.")
            self._closed.set()
        if wait:
            for watcher in self._watchers:
                watcher.join()

    def _started(self, claim: Path) -> str | None:
        """The name of a call that was intended and that has begun; None where it has not, and now it never will."""
        name = claimed(claim, WITHDRAWN)
        return None if name == WITHDRAWN else name

    def _given(
        self, fn: Callable[..., T], args: tuple[Any, ...], kwargs: dict[str, Any], claim: Path | None = None
    ) -> tuple["Future[T]", str]:
        # A name that nobody else can know: this program unpickles the file.
        file = self._folder / f"{uuid.uuid4().hex}.answer"
        job = self._start(answer_to_file, fn, args, kwargs, self._threads, file, claim, self.own_name)
        return self._watched(job, lambda: _answer(file), unpack=True), job

    def _watched(self, job: str, read: Callable[[], Any], *, unpack: bool = False) -> "Future[Any]":
        future: Future[Any] = Future()
        future.set_running_or_notify_cancel()
        self._futures.append(future)

        def watch() -> None:
            try:
                wait()
            except Exception as error:  # of the engine, or of a file system: the study must not wait for ever
                future.set_exception(WorkerDied(f"nothing is known of it any more ({error}; {self._log(job)})"))

        def wait() -> None:
            while (found := read()) is None and not self._closed.is_set():
                if not self._alive(job) and (found := read()) is None:
                    future.set_exception(WorkerDied(f"its process ended without an answer ({self._log(job)})"))
                    return
                if found is not None:
                    break
                time.sleep(_POLL_SECONDS)
            if found is None:
                future.set_exception(WorkerDied("this program ended first"))
            elif not unpack or found[0]:
                future.set_result(found[1] if unpack else found)
            else:
                future.set_exception(found[1])

        self._watchers.append(threading.Thread(target=watch, daemon=True))
        self._watchers[-1].start()
        return future

    def _note(self, place: Path) -> Path:
        return self._folder / f"{hashlib.sha256(str(place.absolute()).encode()).hexdigest()[:16]}.json"


def _answer(file: Path) -> Any:
    try:
        content = file.read_bytes()
    except FileNotFoundError:
        return None
    file.unlink(missing_ok=True)
    return pickle.loads(content)
