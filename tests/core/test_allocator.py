"""Freed memory stays with the process, where malloc is glibc's; commands and workers see to it."""

import platform
import subprocess
import sys

import pytest

CODE = """
import resource, sys
from sparring.cli.main import guarded

def work():
    for _ in range(5):
        bytearray(b"1") * 40_000_000  # larger than what glibc by itself ever keeps

def main():
    work()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    work()
    print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
    return 0

guarded(main) if sys.argv[1] == "command" else main()
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another malloc")
@pytest.mark.parametrize(("way", "least", "most"), [("command", 0, 100), ("plain Python", 10_000, 10**9)])
def test_page_faults_of_memory_that_was_there_before(way: str, least: int, most: int) -> None:
    done = subprocess.run([sys.executable, "-c", CODE, way], check=True, capture_output=True, text=True)
    assert least <= int(done.stdout) <= most
