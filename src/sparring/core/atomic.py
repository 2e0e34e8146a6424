"""Writing files so that no reader, crash or full disk leaves a part of one.

Every file is first written under a temporary name *in its own folder* (so the switch is a rename on one file system,
wherever TMPDIR points), flushed to the disk, and only then put in place with `os.replace`.
"""

import contextlib
import errno
import hashlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from sparring.core.errors import DiskError

TEMPORARY_PREFIX = ".tmp-"

_REASONS = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EROFS: "the file system is read-only",
    errno.EACCES: "writing there is not permitted",
    errno.EPERM: "writing there is not permitted",
    errno.ENOTDIR: "a part of that path is a file",
    errno.EEXIST: "a file has the name of a folder that is needed",
}
_ADVICE = "free some space, or write elsewhere with paths.log_dir=<folder>"


def disk_error(path: Path, error: OSError) -> DiskError:
    """The sentence for a write to `path` that failed with `error`; an existing file there is untouched."""
    reason = _REASONS.get(error.errno or 0, error.strerror or str(error))
    return DiskError(f"Could not write {path}: {reason}; what was there before is intact; {_ADVICE}.")


def temporary_path(path: Path) -> Path:
    """A fresh temporary name in the folder of `path`; `sweep` recognises it."""
    return path.parent / f"{TEMPORARY_PREFIX}{path.name}-{os.getpid()}-{secrets.token_hex(4)}"


def sweep(folder: Path) -> list[Path]:
    """Remove what a killed writer left in `folder`; call it only while no other process writes there."""
    stray = sorted(folder.glob(f"{TEMPORARY_PREFIX}*"))
    for path in stray:
        path.unlink(missing_ok=True)
    return stray


def sync_folder(folder: Path) -> None:
    """Make renames inside `folder` survive a power failure."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        # Some network file systems cannot sync a folder; they order renames themselves.
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(descriptor)


def sync_file(file: BinaryIO) -> None:
    """Push everything written to `file` down to the disk; a full disk may be noticed only here."""
    file.flush()
    os.fsync(file.fileno())


@contextlib.contextmanager
def writing(path: Path) -> Iterator[Path]:
    """Give a temporary path to fill and to `os.replace`; on any failure it is removed and OSErrors become DiskError."""
    temporary = temporary_path(path)
    try:
        yield temporary
    except OSError as error:
        raise disk_error(path, error) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def write_atomic(path: Path, data: bytes) -> None:
    """Put `data` at `path` completely or not at all.

    Raises:
        DiskError: when the disk is full, read-only, or failing; the old file is intact and no temporary file is left.
    """
    with writing(path) as temporary:
        with temporary.open("xb") as file:
            file.write(data)
            sync_file(file)
        os.replace(temporary, path)
        sync_folder(path.parent)


def sha256_of(file: BinaryIO) -> str:
    """Hex digest of everything in `file`, which is left at its start."""
    file.seek(0)
    digest = hashlib.sha256()
    while chunk := file.read(1 << 20):
        digest.update(chunk)
    file.seek(0)
    return digest.hexdigest()
