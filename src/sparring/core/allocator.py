"""How this process's malloc treats memory that a training frees and asks for again in its next iteration."""

import contextlib
import ctypes

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # parameters of mallopt(3)
_LARGEST, _KEPT = 2**26, 2**28  # bytes


def keep_freed_memory() -> bool:
    """Let malloc keep up to 256 MiB of freed memory, and serve allocations below 64 MiB from it; whether malloc said yes.

    By default glibc gives a large freed block back to the system, which hands it out again page by page, zeroed: activations of
    every iteration pay for that (`benchmarks/allocator.py`). On other systems, and with another malloc, nothing changes.
    """
    with contextlib.suppress(OSError, AttributeError, TypeError):
        mallopt = ctypes.CDLL(None).mallopt
        return bool(mallopt(_MMAP_THRESHOLD, _LARGEST) and mallopt(_TRIM_THRESHOLD, _KEPT))
    return False
