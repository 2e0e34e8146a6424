"""Which GPUs a process may use, for programs that start several processes at once; torch is not needed for it."""

import contextlib
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

VARIABLE = "CUDA_VISIBLE_DEVICES"
_DRIVER = Path("/proc/driver/nvidia/gpus")  # a folder per GPU, on Linux


def visible(environment: Mapping[str, str]) -> list[str]:
    """GPUs that a process with these environment variables sees, as `CUDA_VISIBLE_DEVICES` names them; none on most machines."""
    given = environment.get(VARIABLE)
    if given is None:
        return [str(number) for number in range(_installed())]
    names = [name.strip() for name in given.split(",")]
    end = next((place for place, name in enumerate(names) if name in ("", "-1")), len(names))  # as CUDA reads it
    return names[:end]


def share(environment: Mapping[str, str], slot: int, *, each: int | None) -> dict[str, str]:
    """Environment variables that give one of several processes GPUs of its own.

    Args:
        environment: of the process that starts them.
        slot: 0, 1, ...: which of those that run at once. Where they outnumber the GPUs, they take them in turn.
        each: GPUs of one process; None leaves all of them visible.

    Returns nothing to set on a machine with at most `each` GPUs.
    """
    there = visible(environment)
    if each is None or len(there) <= each:
        return {}
    own = [there[(slot * each + number) % len(there)] for number in range(each)]
    return {VARIABLE: ",".join(own)}


def _installed() -> int:
    if _DRIVER.is_dir():
        return sum(1 for _ in _DRIVER.iterdir())
    if shutil.which("nvidia-smi") is None:
        return 0
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        listed = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, timeout=20, check=True).stdout
        return sum(line.startswith("GPU ") for line in listed.splitlines())
    return 0
