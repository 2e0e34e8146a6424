"""What a run cost."""

import resource
import sys

import torch


def peak_memory_mb(device: torch.device) -> dict[str, float]:
    """Largest memory so far in MiB: resident memory of this process, and the device's when it has its own."""
    unit = 2**20 if sys.platform == "darwin" else 2**10  # ru_maxrss: bytes on macOS, KiB on Linux
    peak = {"process": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit, 1)}
    if device.type == "cuda":
        peak["device"] = round(torch.cuda.max_memory_allocated(device) / 2**20, 1)
    return peak
