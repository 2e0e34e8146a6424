"""A call in another process, as every executor makes it there."""

import os
import pickle
import traceback
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any


class WorkerDied(RuntimeError):
    """The process of a call ended before the call did."""


class CallStopped(RuntimeError):
    """A signal to the worker ended the call, which may be made again."""


def answer(fn: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[bool, Any]:
    """(True, what `fn` returns), or (False, an error that can be pickled); torch's own threads are set already."""
    from sparring.core.errors import Interrupted
    from sparring.core.signals import Stop, listening
    from sparring.core.terminal import say

    try:
        with listening():
            return True, fn(*args, **kwargs)
    except (Interrupted, Stop, KeyboardInterrupt) as error:
        return False, CallStopped(f"it was stopped: {error}")
    except BaseException as error:
        say(traceback.format_exc().rstrip())
        return False, RuntimeError(f"{type(error).__name__}: {error}")


WITHDRAWN = "withdrawn"  # in the place of a call's name


def claimed(file: Path, name: str) -> bool:
    """Leave `name` in `file` unless another has left one there: of those who try, on any machine, one succeeds."""
    written = file.with_name(f"{file.name}.{uuid.uuid4().hex}")
    written.write_text(name, "utf-8")
    try:
        os.link(written, file)
    except FileExistsError:
        return False
    finally:
        written.unlink()
    return True


def answer_to_file(
    fn: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], threads: int, file: Path,
    claim: Path | None = None, own_name: Callable[[], str] | None = None,
) -> None:  # fmt: skip
    """The same in a process of its own, which sets its threads first; the answer goes, pickled, into `file`.

    Args:
        claim: where the call leaves its name before it begins; it does not begin where another name is there.
        own_name: the name of the call that asks, as its engine knows it.
    """
    if claim is not None and own_name is not None and not claimed(claim, own_name()):
        return
    os.environ["OMP_NUM_THREADS"] = str(threads)  # before torch is loaded
    import torch

    from sparring.core.atomic import write_atomic
    from sparring.core.terminal import clean_logs

    clean_logs()
    torch.set_num_threads(threads)
    write_atomic(file, pickle.dumps(answer(fn, args, kwargs)))
