"""Stops a run whose losses or weights became NaN or infinite, before anything broken is saved."""

from collections.abc import Callable
from typing import Any

import lightning.pytorch as L
import torch
from torch import nn

from sparring.core.distributed import any_rank
from sparring.core.errors import DivergedError
from sparring.core.sharding import local
from sparring.model.game import Game

ADVICE = "lower model.discriminator_optimizer.lr and model.generator_optimizer.lr, or raise the regularizer's gamma"


class Finite(L.Callback):
    """Checks the losses of every iteration on the CPU; on an accelerator, where reading them costs a synchronisation, those
    of every `trainer.log_every_n_steps`-th. The checkpoint callback checks the weights before it saves.

    handler: of callback/guard, which may bring the run back to a good state; it says whether it has.
    """

    handler: Callable[[L.Trainer, Game, str], bool] | None = None

    def on_train_batch_end(
        self, trainer: L.Trainer, pl_module: L.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        assert isinstance(pl_module, Game)
        iteration = pl_module.clock.iteration
        if pl_module.device.type != "cpu" and iteration % trainer.log_every_n_steps:  # type: ignore[attr-defined]
            return
        newest = pl_module.meter.last()
        broken = not bool(torch.stack(list(newest.values())).isfinite().all())
        if any_rank(int(broken)):
            names = [name for name, value in newest.items() if not value.isfinite()] or ["a value on another device"]
            why = f"{names[0]} is {float(newest[names[0]]) if names[0] in newest else 'not finite'}"
            if self.handler is None or not self.handler(trainer, pl_module, why):
                raise DivergedError(f"Training diverged: {why} after iteration {iteration}; {ADVICE}.")


def check_weights(module: nn.Module, iteration: int) -> None:
    """Raise DivergedError naming the first parameter or buffer that is not finite; every device must call it."""
    broken = ""
    for name, tensor in (*module.named_parameters(), *module.named_buffers()):
        if not broken and tensor.is_floating_point() and not bool(local(tensor).isfinite().all()):
            broken = name
    if any_rank(int(bool(broken))):
        where = broken or "a weight on another device"
        raise DivergedError(f"Training diverged: {where} holds NaN or infinity after iteration {iteration}.")
