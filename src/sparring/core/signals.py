"""The one handler of signals: which of them end a program, which ask it to save, and when it may be interrupted.

SIGINT, SIGTERM and SIGHUP stop what runs; SIGUSR1 and SIGUSR2 ask a training to save its state and to go on, and mean nothing to
whatever has no state. A signal that was ignored when the program started stays ignored (`nohup`, background jobs of a shell).
"""

import contextlib
import os
import signal
import stat
import termios
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from types import FrameType
from typing import Any

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
SAVING = (signal.SIGUSR1, signal.SIGUSR2)
HANDLED = (*STOPPING, *SAVING)
PARENT = "SPARRING_PARENT"  # in the environment of a tied child: the end of a pipe whose other end its parent holds
LAST = 3  # this many signals to stop end the process at once, whatever it does


class Stop(BaseException):
    """A signal stopped the program where it was. No `Exception`: nothing that goes on after an error may swallow it."""

    def __init__(self, number: int) -> None:
        super().__init__(f"stopped by {name_of(number)}")
        self.number = number


@dataclass
class Requests:
    """What signals have asked of a loop that looks here by itself.

    Args:
        stop: number of the signal that asks to stop, or 0.
        save: number of the signal that asks to save, or 0; whoever has saved sets it to 0.
    """

    stop: int = 0
    save: int = 0


@dataclass
class _State:
    stops: int = 0  # signals to stop so far
    polled: Requests | None = None
    held: bool = False


_state = _State()


def name_of(number: int) -> str:
    """`SIGTERM` for 15."""
    return signal.Signals(number).name


def stop_number(error: BaseException) -> int:
    """The signal behind an error that means a stop: a `Stop`, or the KeyboardInterrupt of Python's own handler; else 0."""
    if isinstance(error, Stop):
        return error.number
    return int(signal.SIGINT) if isinstance(error, KeyboardInterrupt) else 0


@contextlib.contextmanager
def listening() -> Iterator[None]:
    """Signals come here inside, and go where they went before afterwards. In another thread than the main one nothing changes.

    Raises:
        Stop: inside, when a signal asks to stop, unless the code is `polled` or `held`.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before: dict[int, Any] = {}
    outermost = signal.getsignal(signal.SIGTERM) is not _handle
    if outermost:
        _state.stops = 0
    for number in HANDLED:
        before[number] = signal.getsignal(number)
        if before[number] is not signal.SIG_IGN:
            signal.signal(number, _handle)
    try:
        yield
    finally:
        for each, handler in before.items():
            if handler is not None:  # None: set by C code, which no Python can put back
                signal.signal(each, handler)


@contextlib.contextmanager
def polled() -> Iterator[Requests]:
    """Inside, the first signal to stop raises nothing: the code looks into the yielded requests between its steps.

    The second one raises Stop, the third ends the process.
    """
    before, requests = _state.polled, Requests()
    with listening():
        _state.polled = requests
        try:
            yield requests
        finally:
            _state.polled = before


@contextlib.contextmanager
def held() -> Iterator[None]:
    """Inside, no signal raises: for the few writes that say how a program ended."""
    before, _state.held = _state.held, True
    try:
        yield
    finally:
        _state.held = before


@contextlib.contextmanager
def handlers_kept() -> Iterator[None]:
    """Handlers that other code sets inside are undone afterwards. In another thread than the main one nothing changes."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in HANDLED}
    try:
        yield
    finally:
        for number, handler in before.items():
            if handler is not None:
                signal.signal(number, handler)


@contextlib.contextmanager
def tied_children() -> Iterator[tuple[dict[str, str], tuple[int, ...]]]:
    """(variables for the environment, descriptors to pass on) of children that stop when this process ends, SIGKILL included.

    They call `stop_with_parent`.
    """
    read_end, write_end = (
        os.pipe()
    )  # a child does not inherit the end that is written to: the kernel closes it with this process
    try:
        yield {PARENT: str(read_end)}, (read_end,)
    finally:
        os.close(read_end)
        os.close(write_end)


def stop_with_parent() -> None:
    """Send this process SIGTERM when the one that started it with `tied_children` ends, unless a signal has stopped it already.

    The variable is taken out of the environment: it means nothing to the children of this process.
    """
    given = os.environ.pop(PARENT, "")
    if not given.isdecimal():
        return
    descriptor = int(given)

    def wait() -> None:
        with contextlib.suppress(OSError):
            os.set_inheritable(descriptor, False)
            os.read(descriptor, 1)  # returns at the end of the pipe
            if not _state.stops:
                os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, daemon=True).start()


def _handle(number: int, frame: FrameType | None) -> None:
    requests = _state.polled
    if number in SAVING:
        if requests is not None:
            requests.save = number
        return
    _state.stops += 1
    if number == signal.SIGHUP:
        _leave_terminal()
    if _state.stops >= LAST:
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    elif requests is not None and not requests.stop:
        requests.stop = number
    elif not _state.held:
        raise Stop(number)


def _leave_terminal() -> None:
    """Write to nowhere in place of a terminal that is gone: the next line of a progress display would end the program unsaved."""
    for descriptor in (1, 2):
        with contextlib.suppress(OSError):
            if not stat.S_ISCHR(os.fstat(descriptor).st_mode):
                continue
            try:
                termios.tcgetattr(descriptor)
            except termios.error:
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, descriptor)
                os.close(nowhere)


def _forget_in_child() -> None:
    # A forked child, such as a worker that loads data, has nothing to save: it ends by a signal as any process does.
    for number in HANDLED:
        if signal.getsignal(number) is _handle:
            signal.signal(number, signal.SIG_DFL)


os.register_at_fork(after_in_child=_forget_in_child)
