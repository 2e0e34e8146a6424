"""Networks of a game that `torch.compile` makes kernels of, and when they run as they were written."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import lightning.pytorch as L
import torch

from sparring.model.layer.noise import GaussianNoise


class CompiledNetworks(L.LightningModule):
    """A LightningModule with networks by name of their player.

    Attributes:
        factories: by player; the network is the attribute of that name.
        compiled: whether `compile_networks` was called.
        replayed: whether an iteration's graphs write where those of the one before did.
    """

    factories: dict[str, Any]
    compiled = replayed = False

    def compile_networks(self, *, replayed: bool = False, **options: Any) -> None:
        """Compile the players' networks in place; their weights keep names and places.

        One with noise inside stays as it is: no graph holds a seeded generator.

        Args:
            replayed: the options are such that graphs are recorded on the device and replayed into the same memory.
            options: of `torch.compile`.
        """
        self.replayed = replayed
        for player in self.factories:
            network = getattr(self, player)
            if not any(isinstance(module, GaussianNoise) for module in network.modules()):
                network.compile(**options)
        self.compiled = True

    def mark_iteration(self) -> None:
        """What graphs gave in the iteration before is not needed any more: its memory may be written again."""
        if self.replayed:
            torch.compiler.cudagraph_mark_step_begin()

    def eager(self) -> AbstractContextManager[object]:
        """Compiled networks run as they were written inside: where a pass is differentiated twice, or one of its kind."""
        return torch.compiler.set_stance("force_eager") if self.compiled else nullcontext()

    @contextmanager
    def precisely(self, twice: bool) -> Iterator[None]:
        """Full precision and no compiled network where a step differentiates `twice`; as the trainer was set elsewhere."""
        if not twice:
            yield
            return
        with torch.autocast(self.device.type, enabled=False), self.eager():
            yield
