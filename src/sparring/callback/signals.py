"""Ctrl-C and SIGTERM stop a run at the next iteration, on all devices together."""

import os
import signal
import threading
from types import FrameType
from typing import Any

import lightning.pytorch as L

from sparring.callback.checkpoint import validation_due
from sparring.core.distributed import any_rank
from sparring.model.game import Game

HANDLED = (signal.SIGINT, signal.SIGTERM)


class Signals(L.Callback):
    """The first signal asks to stop: `received` holds its number, `trainer.should_stop` is set after the iteration.
    The second one ends the process at once.

    Lightning's own handler runs a broadcast inside the handler and deadlocks when only one process gets the signal;
    here a flag is agreed upon after each iteration (on CUDA with several devices after every tenth).
    """

    def __init__(self) -> None:
        self.received = 0
        self._before: dict[int, Any] = {}

    def setup(self, trainer: L.Trainer, pl_module: L.LightningModule, stage: str) -> None:
        """Keep the handlers of whoever called, not Lightning's, which it installs after this and which hold the trainer."""
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.getsignal(number) for number in HANDLED}

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        for number in self._before:
            signal.signal(number, self._handle)

    def on_train_batch_end(
        self, trainer: L.Trainer, pl_module: L.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        assert isinstance(pl_module, Game)
        if trainer.world_size > 1 and pl_module.device.type != "cpu" and batch_idx % 10:
            return
        self.received = any_rank(self.received)
        if self.received:
            trainer.should_stop = True
            if not validation_due(trainer, pl_module.clock.iteration):
                trainer.limit_val_batches = 0  # Lightning validates when it stops, which an uninterrupted run would not

    def teardown(self, trainer: L.Trainer, pl_module: L.LightningModule, stage: str) -> None:
        if self.received:  # before Lightning tells the loggers that all went well
            for logger in trainer.loggers:
                logger.finalize("interrupted")
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.received:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
        self.received = number
