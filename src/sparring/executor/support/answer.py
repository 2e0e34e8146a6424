"""A call in another process, as every executor makes it there."""

import contextlib
import os
import pickle
import time
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
_READS, _PAUSE_SECONDS = 100, 0.1  # of a claim that somebody is writing


def claimed(file: Path, name: str) -> str:
    """Leave `name` in `file` unless another has left one there, and the name that is there then.

    Of those who try, on any machine, one succeeds, and it does so again when it is started twice. Where a file system knows no
    hard links the file is created and then written, so others may have to wait for the name.

    Returns:
        `name` where it succeeded; WITHDRAWN where whoever created the file left no name in it.
    """
    written = file.with_name(f"{file.name}.{uuid.uuid4().hex}")
    written.write_text(name, "utf-8")
    try:
        os.link(written, file)
    except FileExistsError:
        pass  # perhaps made by this very call, which NFS sent twice: what the file holds decides
    except OSError:  # EPERM, ENOTSUP, ENOSYS, ...: as the file system likes
        with contextlib.suppress(FileExistsError), file.open("x", encoding="utf-8") as created:
            created.write(name)
    finally:
        written.unlink()
    for _ in range(_READS):
        if there := file.read_text("utf-8"):
            return there
        time.sleep(_PAUSE_SECONDS)
    return WITHDRAWN


def answer_to_file(
    fn: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], threads: int, file: Path,
    claim: Path | None = None, own_name: Callable[[], str] | None = None,
) -> None:  # fmt: skip
    """The same in a process of its own, which sets its threads first; the answer goes, pickled, into `file`.

    Args:
        claim: where the call leaves its name before it begins; it does not begin where another name is there.
        own_name: the name of the call that asks, as its engine knows it.
    """
    if claim is not None and own_name is not None and claimed(claim, name := own_name()) != name:
        return
    os.environ["OMP_NUM_THREADS"] = str(threads)  # before torch is loaded
    import torch

    from sparring.core.allocator import keep_freed_memory
    from sparring.core.atomic import write_atomic
    from sparring.core.terminal import clean_logs

    clean_logs()
    keep_freed_memory()
    torch.set_num_threads(threads)
    write_atomic(file, pickle.dumps(answer(fn, args, kwargs)))
