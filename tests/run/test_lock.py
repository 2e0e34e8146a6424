"""One writer per run directory, across processes, forks and kills."""

import subprocess
import sys
from pathlib import Path

import pytest

from sparring.core.errors import CheckpointError
from sparring.run.directory import RunDir
from sparring.run.settings import write_settings


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_settings(tmp_path / "run", {"seed": 1})
    return tmp_path / "run"


HOLD = (
    "import sys\n"
    "from sparring.run.directory import RunDir\n"
    "run = RunDir.{call}(sys.argv[1])\n"
    "print('held', flush=True)\n"
    "sys.stdin.read()\n"
)


def hold(folder: Path, call: str) -> "subprocess.Popen[str]":
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD.format(call=call), str(folder)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


@pytest.mark.parametrize("call", ["create", "resume"])
def test_another_process_is_kept_out_until_it_dies(folder: Path, call: str) -> None:
    process = hold(folder, call)
    try:
        assert RunDir.open(folder).is_being_written()
        for refused in (RunDir.create, RunDir.resume):
            with pytest.raises(CheckpointError, match=f"being written by process {process.pid} on"):
                refused(folder)
    finally:
        process.kill()
        process.wait()
    assert not RunDir.open(folder).is_being_written()
    RunDir.resume(folder).close()


def test_the_same_process_is_kept_out_too(folder: Path) -> None:
    with RunDir.create(folder):
        with pytest.raises(CheckpointError, match="being written by"):
            RunDir.resume(folder)
        assert RunDir.open(folder).is_being_written()
    assert not RunDir.open(folder).is_being_written()


def test_a_forked_child_does_not_keep_the_lock_of_a_killed_parent(folder: Path) -> None:
    script = (
        "import os, sys\n"
        "from sparring.run.directory import RunDir\n"
        "run = RunDir.create(sys.argv[1])\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    print('forked', flush=True)\n"
        "sys.stdin.read()\n"
        "os._exit(0)\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", script, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert parent.stdin is not None
    assert parent.stdout is not None
    assert parent.stdout.readline() == "forked\n"
    with pytest.raises(CheckpointError, match="being written by"):  # the child has not unlocked its parent's run
        RunDir.resume(folder)
    parent.kill()
    parent.wait()
    RunDir.resume(folder).close()  # the child still lives
    parent.stdin.close()
    parent.stdout.close()
