"""The `<file>.sha256` of a file: the digests that its content may have, in the format of `sha256sum`."""

import contextlib
from pathlib import Path

from sparring.core.atomic import write_atomic
from sparring.core.errors import DiskError


def path_for(path: Path) -> Path:
    """The file with the digests of `path`."""
    return path.with_name(f"{path.name}.sha256")


def read(path: Path) -> list[str]:
    """The hex digests that vouch for `path`: none without a readable sidecar, two while a switch is under way."""
    try:
        lines = path_for(path).read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return []
    return [line.split()[0] for line in lines if line.strip()]


def write(path: Path, *digests: str) -> None:
    """Let any of `digests` vouch for `path` from now on.

    Raises:
        DiskError: the sidecar could not be written.
    """
    lines = [f"{digest}  {path.name}\n" for digest in dict.fromkeys(digests)]
    write_atomic(path_for(path), "".join(lines).encode())


def keep_only(path: Path, digest: str) -> None:
    """Let `digest` alone vouch for `path`, once the switch is done; on a full disk the longer list stays, which is harmless."""
    with contextlib.suppress(DiskError):
        write(path, digest)
