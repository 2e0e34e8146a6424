"""The lock that keeps two processes from writing one run directory."""

import contextlib
import errno
import fcntl
import logging
import os
import socket
import weakref
from pathlib import Path

from sparring.core.atomic import disk_error
from sparring.core.errors import CheckpointError

log = logging.getLogger(__name__)

_TAKEN = (errno.EWOULDBLOCK, errno.EACCES)
_UNSUPPORTED = (errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS)
_held: "weakref.WeakSet[RunLock]" = weakref.WeakSet()


class RunLock:
    """An exclusive flock on `<folder>/.lock`; the kernel releases it however this process ends, kill -9 included."""

    def __init__(self, folder: Path) -> None:
        """Take the lock.

        Raises:
            CheckpointError: when it is taken, also by another RunLock of this process.
            DiskError: when the file cannot be made.
        """
        path = folder / ".lock"
        try:
            self._descriptor: int | None = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise disk_error(path, error) from error
        try:
            self._take(self._descriptor, folder)
        except BaseException:
            self.release()
            raise
        _held.add(self)

    @staticmethod
    def _take(descriptor: int, folder: Path) -> None:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in _TAKEN:
                owner = os.pread(descriptor, 200, 0).decode(errors="replace").strip() or "another process"
                raise CheckpointError(f"{folder} is being written by {owner}: wait for it or stop it.") from error
            if error.errno not in _UNSUPPORTED:
                raise disk_error(folder / ".lock", error) from error
            log.warning("The file system of %s has no locks; make sure that no second process writes this run.", folder)
        try:
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"process {os.getpid()} on {socket.gethostname()}\n".encode(), 0)
        except OSError as error:  # the name is only for messages; the lock holds without it
            log.debug("Could not write the owner into %s: %s", folder / ".lock", error)

    def release(self) -> None:
        """Give the lock back; calling it twice is fine."""
        if self._descriptor is not None:
            with contextlib.suppress(OSError):
                # A child forked this instant may still have the file open: closing alone would not unlock it.
                fcntl.flock(self._descriptor, fcntl.LOCK_UN)
            self.forget()

    def forget(self) -> None:
        """Close this process's file without touching the lock, which the parent of a forked child still holds."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def is_locked(folder: Path) -> bool:
    """Whether some process, this one included, holds the lock of `folder`."""
    try:
        descriptor = os.open(folder / ".lock", os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno in _TAKEN
    finally:
        os.close(descriptor)
    return False


def _forget_in_child() -> None:
    # A forked child (a data worker, say) shares the open file and would keep the lock after its parent was killed.
    for lock in list(_held):
        lock.forget()


os.register_at_fork(after_in_child=_forget_in_child)
