"""Scalars collected on the device and read together every N iterations."""

import torch
from torch import Tensor


class Meter:
    """Collects detached 0-d tensors by name; `means` returns their means.

    A value given to Lightning's `self.log` costs about 1 ms of CPU per step; an append costs nothing measurable
    and forces no device synchronisation.
    """

    def __init__(self) -> None:
        self._values: dict[str, list[Tensor]] = {}

    def add(self, name: str, value: Tensor) -> None:
        """Collect a 0-d tensor."""
        self._values.setdefault(name, []).append(value.detach() if value.requires_grad else value)

    def means(self) -> tuple[list[str], Tensor]:
        """Names and a float64 vector of their means, on the CPU; the single synchronisation."""
        names = list(self._values)
        if not names:
            return [], torch.empty(0, dtype=torch.float64)
        stacked = torch.stack([torch.stack(values).float().mean() for values in self._values.values()])
        return names, stacked.cpu().double()

    def clear(self) -> None:
        self._values = {}

    def to(self, device: torch.device) -> None:
        self._values = {name: [value.to(device) for value in values] for name, values in self._values.items()}

    def last(self) -> dict[str, Tensor]:
        """The newest value of every name, still on the device."""
        return {name: values[-1] for name, values in self._values.items()}

    def newest(self, name: str) -> Tensor | None:
        """The newest value of a name, still on the device; None where there is none."""
        values = self._values.get(name)
        return values[-1] if values else None

    def state_dict(self) -> dict[str, Tensor]:
        """The values since the last `clear`, so that a resumed run logs the same means."""
        return {name: torch.stack(values).cpu() for name, values in self._values.items()}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        self._values = {name: list(values.unbind()) for name, values in state.items()}
