"""Saves the run's whole state on the iteration clock."""

import contextlib
import json
import logging
import math
import time
from pathlib import Path
from typing import Any

import lightning.pytorch as L

from sparring.callback.finite import check_weights
from sparring.core.distributed import any_rank
from sparring.core.errors import ConfigError, DiskError
from sparring.core.sharding import settle, whole_state
from sparring.model.game import Game
from sparring.run.checkpoint import AGAIN
from sparring.run.directory import RunDir

log = logging.getLogger(__name__)
GIVE_UP = 3  # failed saves in a row


class Checkpoint(L.Callback):
    """Writes `checkpoints/last.ckpt` and `weights.safetensors` every `every` iterations, at the end, and when a signal asks.

    Where validation is due at the same iteration, the state is saved after it, so that a resumed run has no gap.
    A full disk costs one save, not the run: the file before stays, and only the third failure in a row stops with
    DiskError; the last save of a run must succeed. A state with NaN is never saved.
    """

    def __init__(self, *, every: int, run_dir: str) -> None:
        if every < 1:
            raise ConfigError(f"callback.checkpoint.every={every} counts iterations and must be at least 1.")
        self.every = every
        self.run_dir = Path(run_dir)
        self.seconds = 0.0  # spent training, over all processes that continued this run
        self.cpu_seconds = (
            0.0  # the same in processor time, of all threads; NaN where an earlier process did not count it
        )
        self._since: tuple[float, float] | None = None
        self._failures = 0
        self._waiting = False
        self._saved: int | None = None  # iteration of the newest state
        self.asked = False  # whether a signal wants the state of the next iteration saved

    @property
    def path(self) -> Path:
        """Of the state to go on from."""
        return self.run_dir / "checkpoints" / "last.ckpt"

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        assert isinstance(pl_module, Game)
        self._since = time.perf_counter(), time.process_time()
        self._record(trainer, pl_module, "training, from")

    def on_save_checkpoint(self, trainer: L.Trainer, pl_module: L.LightningModule, checkpoint: dict[str, Any]) -> None:
        self._count()
        checkpoint["seconds"], checkpoint["cpu_seconds"] = self.seconds, self.cpu_seconds
        checkpoint["budget"] = trainer.max_steps
        checkpoint["fingerprints"] = _data(trainer).fingerprints()
        checkpoint["logger_runs"] = {logger.name: getattr(logger, "run_id", None) for logger in trainer.loggers}

    def on_load_checkpoint(self, trainer: L.Trainer, pl_module: L.LightningModule, checkpoint: dict[str, Any]) -> None:
        self.seconds, self.cpu_seconds = checkpoint["seconds"], checkpoint.get("cpu_seconds", math.nan)

    def on_train_batch_end(
        self, trainer: L.Trainer, pl_module: L.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        assert isinstance(pl_module, Game)
        iteration = pl_module.clock.iteration
        if self.asked or iteration % self.every == 0 or _last(trainer, iteration):
            self.asked = False
            self._waiting = validation_due(trainer, iteration)
            if not self._waiting:
                self.save(trainer, pl_module)

    def on_validation_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        assert isinstance(pl_module, Game)
        if self._waiting or trainer.should_stop:  # a callback may have stopped the run because of what validation found
            self._waiting = False
            self.save(trainer, pl_module)

    def save(self, trainer: L.Trainer, module: Game) -> None:
        """One collective save; every device must call it.

        Raises:
            DivergedError: a weight is not finite.
            DiskError: the state could not be saved for the third time in a row, or at the end of the run.
        """
        iteration = module.clock.iteration
        settle(module)
        check_weights(module, iteration)
        failed: DiskError | None = None
        try:
            again = AGAIN if iteration == self._saved else None  # a stop saves before and after its validation
            trainer.save_checkpoint(self.path, weights_only=False, storage_options=again)  # all state, not only weights
        except DiskError as error:
            failed = error
            trainer.strategy.barrier("checkpoint failed")  # the others wait in save_checkpoint
        try:
            save_weights(self.run_dir, module, _data(trainer), writes=trainer.is_global_zero)
        except DiskError as error:
            failed = error
        if not any_rank(int(failed is not None)):
            self._failures, self._saved = 0, iteration
            self._record(trainer, module, "training, saved at")
            return
        self._failures += 1
        reason = failed or "see the first process"
        what = f"the state of iteration {iteration} could not be saved, the one before is kept: {reason}"
        if self._failures == GIVE_UP or _last(trainer, iteration):
            raise DiskError(f"{what} (failure {self._failures} in a row)")
        log.warning("%s Training goes on.", what)

    def _record(self, trainer: L.Trainer, module: Game, what: str) -> None:
        """Say in status.json how far the run has come: a process that is killed cannot say it any more."""
        if not trainer.is_global_zero:
            return
        checkpoint = str(self.path.relative_to(self.run_dir)) if self.path.exists() else None
        reason = f"{what} iteration {module.clock.iteration} of {trainer.max_steps}"
        with contextlib.suppress(DiskError):  # the state is what matters
            RunDir(self.run_dir).write_status("running", reason, None, module.clock.state_dict(), checkpoint)

    def _count(self) -> None:
        now = time.perf_counter(), time.process_time()
        if self._since is not None:
            self.seconds += now[0] - self._since[0]
            self.cpu_seconds += now[1] - self._since[1]
        self._since = now


def save_best(trainer: L.Trainer, module: Game, run_dir: Path) -> None:
    """`checkpoints/best.ckpt` and `weights_best.safetensors` from the state now; every device must call it.

    A full disk costs this best state, not the run: the one before is kept.

    Args:
        run_dir: of the run that is being trained.
    """
    failed: DiskError | None = None
    try:
        trainer.save_checkpoint(run_dir / "checkpoints" / "best.ckpt", weights_only=False)
    except DiskError as error:
        failed = error
        trainer.strategy.barrier("best failed")  # the others wait in save_checkpoint
    try:
        save_weights(run_dir, module, _data(trainer), best=True, writes=trainer.is_global_zero and failed is None)
    except DiskError as error:
        failed = error
    if failed is not None:
        log.warning("The best state of iteration %d could not be saved: %s", module.clock.iteration, failed)


def save_measured(trainer: L.Trainer, module: Game, run_dir: Path) -> None:
    """`checkpoints/quality_<iteration>.safetensors` from the state now; every device must call it.

    A full disk costs this file, not the run.

    Args:
        run_dir: of the run that is being trained.
    """
    file = run_dir / "checkpoints" / f"quality_{module.clock.iteration:08d}.safetensors"
    try:
        save_weights(run_dir, module, _data(trainer), file=file, writes=trainer.is_global_zero)
    except DiskError as error:
        log.warning("The weights of iteration %d could not be saved: %s", module.clock.iteration, error)


def save_weights(
    run_dir: Path, module: Game, data: Any, *, best: bool = False, file: Path | None = None, writes: bool = True
) -> None:
    """Save the players' networks and their averages, named as `Game.networks` does; every device must call it.

    The metadata name the classes and the fingerprints of the images that the networks were trained on, so that no later
    stage measures a classifier on them.

    Args:
        data: opened.
        best: write `weights_best.safetensors` in place of `weights.safetensors`.
        file: write this file in place of both.
        writes: whether this device is the one that writes.

    Raises:
        DiskError: the file could not be written.
    """
    tensors = {
        f"{player}.{name}": tensor.detach().cpu().contiguous()
        for player, network in module.networks().items()
        for name, tensor in whole_state(network).items()
    }
    if not writes:
        return
    tensors |= {name: tensor.detach().cpu() for name, tensor in module.extra_tensors().items()}
    metadata = {
        "iteration": str(module.clock.iteration),
        "images_seen": str(module.clock.images_seen),
        "classes": json.dumps(list(data.class_names)),
        "fingerprints": json.dumps(data.fingerprints()),
    }
    run = RunDir(run_dir)
    run.save_weights(tensors, metadata, file=file or (run.best_weights if best else run.weights))


def validation_due(trainer: L.Trainer, iteration: int) -> bool:
    """Whether Lightning validates after this iteration; never where the data has no val split."""
    due = bool(trainer.enable_validation) and iteration % int(trainer.val_check_batch or 1) == 0
    return due and bool(_data(trainer).val_dataloader())


def _last(trainer: L.Trainer, iteration: int) -> bool:
    return trainer.should_stop or iteration == trainer.max_steps


def _data(trainer: L.Trainer) -> Any:
    return trainer.datamodule  # type: ignore[attr-defined]
