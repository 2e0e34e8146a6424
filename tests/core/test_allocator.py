"""Freed memory stays with the process, where malloc is glibc's, in commands and in workers, until it is given back."""

import os
import platform
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from sparring.core.allocator import give_back, keep_freed_memory

WAYS = {
    "plain": "print(faults())",
    "command": "from sparring.cli.main import guarded; guarded(lambda: print(faults()) or 0)",
    "worker": "from sparring.executor.process import Process; e = Process(workers=1, threads=1, gpus=None); "
    "print(e.submit(faults).result()); e.shutdown()",
    "job": "from sparring.executor.support.answer import answer_to_file; import pathlib, pickle; file = pathlib.Path('answer'); "
    "answer_to_file(faults, (), {}, 1, file); print(pickle.loads(file.read_bytes())[1])",
}

pytestmark = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another malloc")


def faults() -> int:
    """Pages that the system hands out to work that takes and frees 120 MB for a second time."""

    def work() -> None:
        for _ in range(5):
            [bytearray(b"1") * 24_000_000 for _ in range(5)]

    work()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    work()
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


def faults_of(way: str, folder: Path, **settings: str) -> int:
    code = f"from tests.core.test_allocator import faults; {WAYS[way]}"
    root = Path(__file__).resolve().parents[2]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(root), str(root / "src")]), **settings}
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, env=environment, cwd=folder
    )
    return int(done.stdout)


@pytest.mark.slow
def test_a_command_keeps_it_unless_malloc_was_set_otherwise(tmp_path: Path) -> None:
    plain, command = faults_of("plain", tmp_path), faults_of("command", tmp_path)
    assert 10 * command < plain
    assert faults_of("command", tmp_path, MALLOC_TRIM_THRESHOLD_="131072", MALLOC_MMAP_THRESHOLD_="131072") > plain / 2


def test_what_is_kept_can_be_given_back() -> None:
    def resident() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()

    keep_freed_memory()
    blocks = [bytearray(b"1") * 24_000_000 for _ in range(9)]
    del blocks
    kept = resident()
    give_back()
    assert resident() < kept - 150_000_000


@pytest.mark.slow
@pytest.mark.parametrize("way", ["worker", "job"])
def test_so_do_the_processes_of_studies(way: str, tmp_path: Path) -> None:
    assert 10 * faults_of(way, tmp_path) < faults_of("plain", tmp_path)
