"""`executor=process`: persistent worker processes, so that imports cost once per worker and not once per cell.

Unlike in concurrent.futures' pool, a worker that dies (out of memory, a crash in C) fails one call, not all of them.
"""

import contextlib
import gc
import multiprocessing
import os
import queue
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from multiprocessing.connection import Connection, wait
from typing import Any, TypeVar

from sparring.core.gpus import share
from sparring.executor.support.answer import WorkerDied, answer

T = TypeVar("T")
_Call = tuple[Future[Any], Callable[..., Any], tuple[Any, ...], dict[str, Any]]


class Process(Executor):
    """Runs calls in worker processes; calls and results are pickled.

    Args:
        workers: number of processes.
        threads: threads of torch in each of them.
        gpus: GPUs that each of several processes sees, so that they do not all take the first one; None: all of them.

    Raises:
        ConfigError: a number below 1.
    """

    def __init__(self, *, workers: int, threads: int, gpus: int | None) -> None:
        from sparring.core.errors import ConfigError

        if workers < 1 or threads < 1 or (gpus is not None and gpus < 1):
            raise ConfigError(
                f"executor.workers={workers}, executor.threads={threads} and executor.gpus={gpus} must be at least 1."
            )
        self.workers = workers
        self._calls: queue.SimpleQueue[_Call | None] = queue.SimpleQueue()
        each = gpus if workers > 1 else None
        environments = [
            share(os.environ, slot, each=each) | {"OMP_NUM_THREADS": str(threads)} for slot in range(workers)
        ]
        self._slots = [_Slot(self._calls, threads, environment) for environment in environments]

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        future: Future[T] = Future()
        self._calls.put((future, fn, args, kwargs))
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """With `cancel_futures` running calls are killed too, and their unfinished output is left behind."""
        while cancel_futures and not self._calls.empty():
            call = self._calls.get()
            if call is not None:
                call[0].cancel()
        for slot in self._slots:
            if cancel_futures:
                slot.kill()
            self._calls.put(None)
        if wait:
            for slot in self._slots:
                slot.join()


class _Slot(threading.Thread):
    """Gives one call after the other to its process, which it starts when it is first needed and after each death."""

    def __init__(self, calls: "queue.SimpleQueue[_Call | None]", threads: int, environment: dict[str, str]) -> None:
        super().__init__(daemon=True)
        self._calls, self._threads, self._environment = calls, threads, environment
        self._process: multiprocessing.process.BaseProcess | None = None
        self._connection: Connection | None = None
        self._killed = False
        self._changing = (
            threading.Lock()
        )  # of `_killed` and `_process`: a process that starts is seen by `kill`, or not started
        self.start()

    def run(self) -> None:
        while (call := self._calls.get()) is not None and not self._killed:
            future, fn, args, kwargs = call
            if not future.set_running_or_notify_cancel():
                continue
            try:
                succeeded, value = self._call(fn, args, kwargs)
            except Exception as error:
                succeeded, value = False, error
            if succeeded:
                future.set_result(value)
            else:
                future.set_exception(value)
        self._stop()

    def kill(self) -> None:
        """End the process now; the slot takes no further call."""
        with self._changing:
            self._killed = True
            if self._process is not None:
                self._process.kill()

    def _call(self, fn: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[bool, Any]:
        if self._process is None or not self._process.is_alive():
            self._start()
        assert self._connection is not None
        assert self._process is not None
        try:
            self._connection.send((fn, args, kwargs))
            wait([self._connection, self._process.sentinel])
            response: tuple[bool, Any] = self._connection.recv()
            return response
        except (EOFError, OSError) as error:
            self._process.join()
            raise WorkerDied(f"its process {_exit_text(self._process.exitcode)}") from error

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")  # a forked child would inherit threads and locks of torch
        parent_end, child_end = context.Pipe()
        with self._changing:
            if self._killed:
                raise WorkerDied("it was stopped before its process started")
            process = context.Process(target=_serve, args=(child_end, self._threads, self._environment), daemon=True)
            process.start()
            self._process, self._connection = process, parent_end
        child_end.close()

    def _stop(self) -> None:
        if self._connection is not None:
            self._connection.close()  # the worker reads the end of the pipe and exits
        if self._process is not None:
            self._process.join()


def _exit_text(exit_code: int | None) -> str:
    if exit_code is not None and exit_code < 0:
        name = signal.Signals(-exit_code).name
        return f"was ended by {name}{' (out of memory?)' if name == 'SIGKILL' else ''}"
    return f"ended with exit code {exit_code}"


def _serve(connection: Connection, threads: int, environment: dict[str, str]) -> None:
    """The worker: one call after the other until the other end of the pipe is closed."""
    os.setsid()  # Ctrl-C in the terminal reaches the main process only, which then stops its workers
    threading.Thread(target=_exit_with_parent, daemon=True).start()
    os.environ.update(environment)
    import torch

    from sparring.core.allocator import give_back, keep_freed_memory
    from sparring.core.terminal import clean_logs

    clean_logs()
    keep_freed_memory()
    torch.set_num_threads(threads)
    with contextlib.suppress(EOFError):
        while True:
            fn, args, kwargs = connection.recv()
            connection.send(answer(fn, args, kwargs))
            gc.collect()  # a trainer, its model and its data form cycles: many calls would fill memory, or a GPU's
            give_back()


def _exit_with_parent() -> None:
    """End this process when the main one ends, also by SIGKILL: a restarted study must be the only writer of its cells."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os._exit(1)
