"""Gathered scalars to every logger, in one go every N iterations."""

import time
from typing import Any

import lightning.pytorch as L

from sparring.core.distributed import mean_over_ranks
from sparring.model.game import Game


class Scalars(L.Callback):
    """Logs the means since the last time, learning rates and speed, every `trainer.log_every_n_steps` iterations.

    The newest values stay in `latest` for the progress display, those of the newest validation in `validated`.
    """

    def __init__(self) -> None:
        self.latest: dict[str, float] = {}
        self.validated: dict[str, float] = {}
        self._since = 0.0
        self._images = 0

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        assert isinstance(pl_module, Game)
        self._since, self._images = time.perf_counter(), pl_module.clock.images_seen

    def on_train_batch_end(
        self, trainer: L.Trainer, pl_module: L.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        assert isinstance(pl_module, Game)
        clock = pl_module.clock
        if clock.iteration % trainer.log_every_n_steps and clock.iteration != trainer.max_steps:  # type: ignore[attr-defined]
            return
        names, means = pl_module.meter.means()
        pl_module.meter.clear()
        scalars = dict(zip(names, mean_over_ranks(means).tolist(), strict=True))
        for player, optimizer in pl_module.players().items():
            scalars[f"lr/{player}"] = optimizer.param_groups[0]["lr"]
        now = time.perf_counter()
        scalars["speed/images_per_second"] = (clock.images_seen - self._images) / (now - self._since)
        self._since, self._images = now, clock.images_seen
        self.latest = scalars
        self._log(trainer, pl_module, scalars)

    def on_validation_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        assert isinstance(pl_module, Game)
        self.validated = pl_module.validation_scalars()
        self._log(trainer, pl_module, self.validated)

    @staticmethod
    def _log(trainer: L.Trainer, module: Game, scalars: dict[str, float]) -> None:
        if not trainer.is_global_zero:
            return
        for logger in trainer.loggers:
            logger.log_metrics({"images_seen": module.clock.images_seen, **scalars}, step=module.clock.iteration)
