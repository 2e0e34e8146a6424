"""How this process's malloc treats memory that a training frees and asks for again in its next iteration."""

import ctypes
import os
from collections.abc import Callable

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # parameters of mallopt(3)
_LARGEST, _KEPT = 2**25, 2**28  # bytes; older glibc refuses a larger first one
_OWN_SETTINGS = ("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "MALLOC_MMAP_MAX_")


def keep_freed_memory() -> bool:
    """Let glibc's malloc serve allocations of up to 32 MiB from what was freed before; whether it will.

    By default it soon gives a large freed block back to the system, which hands it out again page by page, zeroed: activations of
    every iteration pay for that (`benchmarks/allocator.py`). Now only what is free at the end of the heap, beyond 256 MiB of it,
    goes back by itself; `give_back` returns the rest. With another system or malloc, or settings of malloc in the environment,
    nothing changes.
    """
    mallopt = _function("mallopt")
    if mallopt is None or any(name in os.environ for name in _OWN_SETTINGS):
        return False
    if "glibc.malloc." in os.environ.get("GLIBC_TUNABLES", "") or "malloc" in os.environ.get("LD_PRELOAD", ""):
        return False
    answers = [mallopt(_MMAP_THRESHOLD, _LARGEST), mallopt(_TRIM_THRESHOLD, _KEPT)]
    return all(answers)


def give_back() -> None:
    """Return to the system what malloc keeps, between two pieces of work."""
    if trim := _function("malloc_trim"):
        trim(0)


def _function(name: str) -> Callable[..., int] | None:
    """One of glibc's, which no other C library has."""
    try:
        return getattr(ctypes.CDLL(None), name, None)
    except (OSError, TypeError):  # Windows
        return None
