"""Checkpoints under faults: killed before every step of a save, at random moments, and on disks that are full."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sparring.run import checkpoint as module
from sparring.run.checkpoint import VerifiedCheckpointIO
from tests.run.checkpoint_states import state, stray, value_of

Before = Callable[[str], None]
_watch: list[tuple[str, Before]] = []  # the folder being watched and what to call before each step of a save in it


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if _watch and event in ("open", "os.rename", "os.link", "os.remove"):
        folder, before = _watch[0]
        if str(arguments[0]).startswith(folder):
            names = [Path(str(argument)).name for argument in arguments[:2] if "/" in str(argument)]
            before(f"{event} {' -> '.join(re.sub('-[0-9]+-[0-9a-f]{8}$', '', name) for name in names)}")


sys.addaudithook(_audit)  # can never be removed, and does nothing while nothing is watched


@contextlib.contextmanager
def watching(folder: Path, before: Before) -> Iterator[None]:
    """Call `before(label)` ahead of everything that a save does to the file system, and in the middle of each write."""
    fsync = os.fsync

    def watched_fsync(descriptor: int) -> None:
        before("fsync")
        fsync(descriptor)

    def watched_write(writer: Any, data: bytes) -> int:
        data = bytes(data)
        before("write")
        writer.file.write(data[: len(data) // 2])
        writer.file.flush()
        before("write, second half")
        writer.file.write(data[len(data) // 2 :])
        writer.hash.update(data)
        return len(data)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", watched_fsync)
        patch.setattr(module._HashingWriter, "write", watched_write)
        _watch.append((str(folder), before))
        try:
            yield
        finally:
            _watch.clear()


def what_a_kill_leaves(folder: Path, value: int, snapshots: Path) -> list[str]:
    """Save `value` in a copy of `folder`, and copy that folder to `snapshots/<n>` before step n, as a kill -9 would leave it.

    Returns the label of each step. Data that is still in the memory of this process is not in a snapshot either.
    """
    work, labels = snapshots / "work", list[str]()
    shutil.copytree(folder, work)

    def snapshot(label: str) -> None:
        watched, _watch[:] = _watch[:], []
        shutil.copytree(work, snapshots / str(len(labels)))
        labels.append(label)
        _watch[:] = watched

    with watching(work, snapshot):
        VerifiedCheckpointIO().save_checkpoint(state(value), work / "last.ckpt")
    return labels


def loads_without_fallback(path: Path, caplog: pytest.LogCaptureFixture) -> int:
    caplog.clear()
    value = value_of(path)
    assert caplog.records == []
    return value


def test_kill_at_every_step_leaves_the_old_or_the_new_checkpoint(
    last: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    labels = what_a_kill_leaves(last.parent, 3, tmp_path / "snapshots")
    outcomes = []
    for step in range(len(labels)):
        left = tmp_path / "snapshots" / str(step)
        outcomes.append(loads_without_fallback(left / "last.ckpt", caplog))
        assert loads_without_fallback(left / "previous.ckpt", caplog) in (1, 2)
        if not labels[step].startswith("os.rename"):
            continue  # between two renames the folder differs in temporary files only
        VerifiedCheckpointIO().save_checkpoint(state(4), left / "last.ckpt")
        assert stray(left) == []
        assert loads_without_fallback(left / "last.ckpt", caplog) == 4
        assert loads_without_fallback(left / "previous.ckpt", caplog) == outcomes[-1]
    switch = labels.index("os.rename .tmp-last.ckpt -> last.ckpt")
    assert outcomes == [2] * (switch + 1) + [3] * (len(labels) - switch - 1)
    last_write = max(step for step, label in enumerate(labels) if label.startswith("write"))
    assert labels[last_write + 1] == "fsync"  # a power failure after the switch must find the data on the disk


def test_a_second_kill_after_any_first_one(last: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    labels = what_a_kill_leaves(last.parent, 3, tmp_path / "first")
    renames = [step for step, label in enumerate(labels) if label.startswith("os.rename")]
    for first in renames:
        again = tmp_path / f"after-{first}"
        count = len(what_a_kill_leaves(tmp_path / "first" / str(first), 4, again))
        for second in range(0, count, 3):
            assert loads_without_fallback(again / str(second) / "last.ckpt", caplog) in (2, 3, 4)
            assert loads_without_fallback(again / str(second) / "previous.ckpt", caplog) in (1, 2, 3)


def test_kill_during_the_very_first_save_leaves_nothing_or_the_checkpoint(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    labels = what_a_kill_leaves(tmp_path / "empty", 1, tmp_path / "snapshots")
    for step in range(len(labels)):
        path = tmp_path / "snapshots" / str(step) / "last.ckpt"
        if path.exists():
            assert value_of(path) == 1


KILL_POINTS = {
    "before the write": (".tmp-last.ckpt", "open", 2),
    "in the middle of the write": ("", "write, second half", 2),
    "temporary file complete": ("", "os.link", 2),
    "between sidecar and replace": (".tmp-last.ckpt -> last.ckpt", "os.rename", 2),
    "after the replace, sidecar still double": (".tmp-last.ckpt.sha256 -> last.ckpt.sha256", "os.rename", 3),
}


@pytest.mark.parametrize("point", KILL_POINTS)
def test_kill_9_for_real(last: Path, point: str) -> None:
    name, event, expected = KILL_POINTS[point]
    nth = 2 if expected == 3 else 1  # the sidecar is renamed before and after the switch
    child = os.fork()
    if child == 0:
        seen = 0

        def kill(label: str) -> None:
            nonlocal seen
            if label.startswith(event) and label.endswith(name):
                seen += 1
                if seen == nth:
                    os.kill(os.getpid(), signal.SIGKILL)

        with contextlib.suppress(BaseException), watching(last.parent, kill):
            VerifiedCheckpointIO().save_checkpoint(state(3), last)
        os._exit(1)
    status = os.waitpid(child, 0)[1]
    assert os.WIFSIGNALED(status)
    assert os.WTERMSIG(status) == signal.SIGKILL
    assert value_of(last) == expected


@pytest.mark.slow
def test_kill_at_random_moments_of_a_real_process(tmp_path: Path) -> None:
    script = (
        "import itertools, sys, torch\n"
        "from sparring.run.checkpoint import VerifiedCheckpointIO\n"
        "io = VerifiedCheckpointIO()\n"
        "for value in itertools.count(int(sys.argv[2])):\n"
        "    weight = torch.full((300000,), float(value))\n"
        "    io.save_checkpoint({'value': value, 'weight': weight}, sys.argv[1])\n"
        "    print(value, flush=True)\n"
    )
    path, value = tmp_path / "last.ckpt", 0
    for trial in range(3):
        process = subprocess.Popen(
            [sys.executable, "-c", script, str(path), str(value)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        process.stdout.readline()  # the first save is done
        time.sleep(0.05 + 0.037 * trial)
        process.kill()
        said = [int(line) for line in process.stdout.read().split()]
        process.wait()
        loaded = value_of(path)
        assert loaded >= max(said, default=value)
        value = loaded + 1
