"""From the main memory to a device without waiting for the device."""

import torch
from torch import Tensor


def sent(tensor: Tensor, device: torch.device) -> Tensor:
    """`tensor`, which is in main memory, on `device`.

    A plain `.to(device)` waits until the GPU has worked off all that it was given before. From page-locked memory the copy is
    queued instead, and the caller goes on.
    """
    if device.type == "cuda":
        tensor = tensor.pin_memory()
    return tensor.to(device, non_blocking=True)
