"""How far the run is: a bar on a terminal, plain lines everywhere else."""

import sys
import time
from typing import Any

import lightning.pytorch as L
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from sparring.callback.quality import Quality
from sparring.callback.scalars import Scalars
from sparring.model.game import Game


class ProgressDisplay(L.Callback):
    """Iteration, images per second, time left and losses. Without a terminal: one line every `seconds` seconds."""

    def __init__(self, *, seconds: float) -> None:
        self.seconds = seconds
        self._bar: Progress | None = None
        self._started = self._printed = 0.0
        self._first = 0

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        assert isinstance(pl_module, Game)
        self._started = self._printed = time.perf_counter()
        self._first = pl_module.clock.iteration
        if not trainer.is_global_zero or not sys.stderr.isatty():
            return
        columns = (
            TextColumn("iteration {task.completed:.0f}/{task.total:.0f}"),
            BarColumn(bar_width=10),  # the whole line fits 80 columns
            TimeRemainingColumn(compact=True),
            TextColumn("left,"),
            TextColumn("{task.fields[scalars]}"),
        )
        self._bar = Progress(*columns, console=Console(stderr=True), refresh_per_second=4)
        self._bar.add_task("", total=trainer.max_steps, completed=self._first, scalars="")
        self._bar.start()

    def on_train_batch_end(
        self, trainer: L.Trainer, pl_module: L.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        assert isinstance(pl_module, Game)
        if not trainer.is_global_zero:
            return
        iteration, now = pl_module.clock.iteration, time.perf_counter()
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], completed=iteration, scalars=_scalars(trainer, pl_module))
        elif now - self._printed >= self.seconds or iteration == trainer.max_steps:
            self._printed = now
            left = (now - self._started) / (iteration - self._first) * (trainer.max_steps - iteration)
            print(
                f"iteration {iteration}/{trainer.max_steps}, {left:.0f} s left, {_scalars(trainer, pl_module)}",
                file=sys.stderr,
            )

    def teardown(self, trainer: L.Trainer, pl_module: L.LightningModule, stage: str) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None


def _scalars(trainer: L.Trainer, module: Game) -> str:
    latest = next((each.latest for each in trainer.callbacks if isinstance(each, Scalars)), {})  # type: ignore[attr-defined]
    if not latest:
        return ""
    losses = ", ".join(f"{word} {latest[name]:.3f}" for name, word in module.headline.items() if name in latest)
    parts = [f"{latest['speed/images_per_second']:.0f} images/s", f"loss {losses}" if losses else "", _quality(trainer)]
    return ", ".join(filter(None, parts))


def _quality(trainer: L.Trainer) -> str:
    """The newest measurement of the samples, where they are measured."""
    for callback in trainer.callbacks:  # type: ignore[attr-defined]
        if isinstance(callback, Quality) and callback.history:
            return f"{callback.metric} {callback.history[-1].values[callback.metric]:.3g}"
    return ""
