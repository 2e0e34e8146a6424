"""Checkpoints on a disk that is full, lies, fails to flush, or cannot be written."""

import contextlib
import errno
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sparring.core.errors import DiskError
from sparring.run import checkpoint as module
from sparring.run.checkpoint import VerifiedCheckpointIO, previous_path
from tests.run.checkpoint_states import state, stray, value_of


class FullDisk:
    """A file that takes `room` bytes and then says what a full disk says."""

    def __init__(self, file: Any, room: int) -> None:
        self.file, self.room = file, room

    def write(self, data: bytes) -> int:
        taken = min(len(data), self.room)
        self.file.write(bytes(data)[:taken])
        self.room -= taken
        if taken < len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return taken


@pytest.mark.parametrize("room", [0, 1, 700, 3000, 4500])
def test_full_disk_while_writing(last: Path, room: int, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = module._HashingWriter.__init__

    def full(file: Any) -> Any:
        return FullDisk(file, room)

    monkeypatch.setattr(module._HashingWriter, "__init__", lambda self, file: plain(self, full(file)))
    with pytest.raises(DiskError, match=r"last\.ckpt: the disk is full.*intact"):
        VerifiedCheckpointIO().save_checkpoint(state(3), last)
    assert (value_of(last), value_of(previous_path(last))) == (2, 1)
    assert stray(last.parent) == []


def test_a_disk_that_lies_is_found_out_before_the_switch(last: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = module._HashingWriter.write

    def wrong(writer: Any, data: bytes) -> int:
        result = plain(writer, data)
        writer.file.seek(-1, os.SEEK_CUR)
        writer.file.write(bytes([bytes(data)[-1] ^ 1]))
        return result

    monkeypatch.setattr(module._HashingWriter, "write", wrong)
    with pytest.raises(DiskError, match="what was read back differs from what was written"):
        VerifiedCheckpointIO().save_checkpoint(state(3), last)
    assert (value_of(last), value_of(previous_path(last))) == (2, 1)


@pytest.mark.parametrize("call", range(1, 12))
def test_failing_flush(last: Path, call: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Network file systems report a full disk at fsync: whichever one fails, a whole checkpoint stays."""
    plain, count = os.fsync, 0

    def fsync(descriptor: int) -> None:
        nonlocal count
        count += 1
        if count == call:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        plain(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    with contextlib.suppress(DiskError):
        VerifiedCheckpointIO().save_checkpoint(state(3), last)
    monkeypatch.undo()
    assert value_of(last) in (2, 3)
    assert value_of(previous_path(last)) in (1, 2)
    assert stray(last.parent) == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of 256 KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "none", str(folder)]
    if os.geteuid() != 0 or shutil.which("mount") is None or subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("mounting a tmpfs is not permitted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_a_disk_that_is_really_full(small_disk: Path) -> None:
    path, io = small_disk / "checkpoints" / "last.ckpt", VerifiedCheckpointIO()
    for value in (1, 2):
        io.save_checkpoint(state(value, 5000), path)  # 20 kB each
    with pytest.raises(DiskError, match="the disk is full"):
        io.save_checkpoint(state(3, 100_000), path)
    assert (value_of(path), value_of(previous_path(path))) == (2, 1)

    filler, current, failures = small_disk / "filler", 2, 0
    for pages_free in range(14):
        filler.unlink(missing_ok=True)
        with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
            while file.write(b"x" * 4096) == 4096:
                pass
        os.truncate(filler, max(0, filler.stat().st_size - 4096 * pages_free))
        try:
            io.save_checkpoint(state(current + 1, 5000), path)
            current += 1
        except DiskError:
            failures += 1
        assert value_of(path) in (current, current + 1)
        current = value_of(path)
        assert value_of(previous_path(path)) <= current
        assert stray(path.parent) == []
    assert 5 < failures < 14


def test_read_only_and_missing_folders(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DiskError, match=r"last.ckpt: a file has the name of a folder that is needed"):
        VerifiedCheckpointIO().save_checkpoint(state(1), tmp_path / "file" / "last.ckpt")
