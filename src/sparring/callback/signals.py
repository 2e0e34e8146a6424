"""A signal to stop ends a run at the next iteration, on all devices together; a signal to save has it saved there."""

import contextlib
import signal
from typing import Any

import lightning.pytorch as L

from sparring.callback.checkpoint import Checkpoint, validation_due
from sparring.core.distributed import any_rank
from sparring.core.signals import HANDLED, Requests, polled
from sparring.logger.support.wandb_start import PREEMPTED
from sparring.model.game import Game
from sparring.run.requeue import goes_on_later

PERSONAL = (signal.SIGINT, signal.SIGHUP)  # from a person at a terminal; the others come from a scheduler
_STOP = max(HANDLED) + 1  # added to the number of a signal to stop: the largest value of all devices decides


class Signals(L.Callback):
    """`received` holds the number of the first signal to stop; `trainer.should_stop` is set after the iteration.

    Lightning's own handler runs a broadcast inside the handler and deadlocks when only one process gets the signal;
    here a flag is agreed upon after each iteration (on CUDA with several devices after every tenth).
    """

    def __init__(self) -> None:
        self.received = 0
        self._requests = Requests()
        self._inside = contextlib.ExitStack()

    def setup(self, trainer: L.Trainer, pl_module: L.LightningModule, stage: str) -> None:
        self._requests = self._inside.enter_context(polled())

    def on_train_batch_end(
        self, trainer: L.Trainer, pl_module: L.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        assert isinstance(pl_module, Game)
        if trainer.world_size > 1 and pl_module.device.type != "cpu" and batch_idx % 10:
            return
        stop = self._requests.stop or (self._requests.save if goes_on_later(self._requests.save) else 0)
        asked = any_rank(_STOP + stop if stop else self._requests.save)
        self._requests.save = 0
        if asked > _STOP:
            self.received = asked - _STOP
            trainer.should_stop = True
            if not validation_due(trainer, pl_module.clock.iteration):
                trainer.limit_val_batches = 0  # Lightning validates when it stops, which an uninterrupted run would not
        elif asked:
            for each in trainer.callbacks:  # type: ignore[attr-defined]
                if isinstance(each, Checkpoint):
                    each.asked = True

    def teardown(self, trainer: L.Trainer, pl_module: L.LightningModule, stage: str) -> None:
        if self.received:  # before Lightning tells the loggers that all went well
            for logger in trainer.loggers:
                logger.finalize("interrupted" if self.received in PERSONAL else PREEMPTED)
        self._inside.close()

    def on_exception(self, trainer: L.Trainer, pl_module: L.LightningModule, exception: BaseException) -> None:
        self._inside.close()  # Lightning calls no teardown after an error
