"""How far the run is: a bar on a terminal, plain lines everywhere else."""

from typing import Any

import lightning.pytorch as L

from sparring.callback.quality import Quality
from sparring.callback.scalars import Scalars
from sparring.core.progress import Progress
from sparring.model.game import Game


class ProgressDisplay(L.Callback):
    """Iteration, percent, iterations per second, time so far and left, images per second, losses.

    Without a terminal: one line every `seconds` seconds, and one at the end.
    """

    def __init__(self, *, seconds: float) -> None:
        self.seconds = seconds
        self._progress: Progress | None = None

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        assert isinstance(pl_module, Game)
        if trainer.is_global_zero:
            done = pl_module.clock.iteration
            self._progress = Progress("iteration", trainer.max_steps, done=done, seconds=self.seconds)
            self._progress.__enter__()

    def on_train_batch_end(
        self, trainer: L.Trainer, pl_module: L.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        assert isinstance(pl_module, Game)
        if self._progress is not None:
            self._progress.update(pl_module.clock.iteration, _scalars(trainer, pl_module))

    def on_train_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self._close(last=True)

    def teardown(self, trainer: L.Trainer, pl_module: L.LightningModule, stage: str) -> None:
        self._close(last=False)

    def on_exception(self, trainer: L.Trainer, pl_module: L.LightningModule, exception: BaseException) -> None:
        self._close(last=False)

    def _close(self, *, last: bool) -> None:
        if self._progress is not None:
            self._progress.close(last=last)
            self._progress = None


def _scalars(trainer: L.Trainer, module: Game) -> str:
    latest = next((each.latest for each in trainer.callbacks if isinstance(each, Scalars)), {})  # type: ignore[attr-defined]
    if not latest:
        return ""
    losses = ", ".join(f"{word} {latest[name]:.3f}" for name, word in module.headline.items() if name in latest)
    return ", ".join(filter(None, [f"loss {losses}" if losses else "", _quality(trainer)]))


def _quality(trainer: L.Trainer) -> str:
    """The newest measurement of the samples, where they are measured."""
    for callback in trainer.callbacks:  # type: ignore[attr-defined]
        if isinstance(callback, Quality) and callback.history:
            return f"{callback.metric} {callback.history[-1].values[callback.metric]:.3g}"
    return ""
