"""One training in its run directory: prepared, fitted, concluded, and what is left of it when it fails."""

import contextlib
import logging
import time
from typing import Any

import lightning.pytorch as L
from lightning.fabric.utilities.exceptions import MisconfigurationException

from sparring.callback.best import Best
from sparring.callback.checkpoint import save_weights
from sparring.callback.guard import Guard
from sparring.callback.quality_stop import QualityStop
from sparring.core.errors import ConfigError, DivergedError, Interrupted, OutOfMemoryError
from sparring.core.measurement import FinalMetrics
from sparring.core.signals import held, name_of
from sparring.core.terminal import say
from sparring.data.module.image_data import ImageData
from sparring.model.clock import Clock
from sparring.model.game import Game
from sparring.run.commands import resume_command, use_command
from sparring.run.directory import RunDir, State, write_atomic
from sparring.run.requeue import goes_on_later, requeue
from sparring.run.settings import given_in
from sparring.run.status import ended_with, record_config, remember
from sparring.trained.scorer import RunScorers
from sparring.training.attach import attach_networks
from sparring.training.images import record_images, record_mistakes
from sparring.training.loggers import close_loggers, start_loggers
from sparring.training.opening import opening_lines
from sparring.training.parts import TrainingParts
from sparring.training.result import FAR_BELOW, ending_of, is_finished, published_share, training_result
from sparring.training.resume import best_state, is_concluded, load_state, restoring
from sparring.training.samples import sample_metrics
from sparring.training.settings import TrainSettings
from sparring.training.trainer import build_trainer, callbacks_of, is_sharded, iterations

log = logging.getLogger(__name__)
LONGER = 10  # times the iterations that a run had: what it is told to go on with, far below its published budget


class Training:
    """A training from its parts to its result.

    Args:
        run: where it is recorded.
        first: whether this process owns `run`; the others of a distributed training write nothing.
    """

    parts: TrainingParts  # from `prepare` on
    trainer: L.Trainer

    def __init__(self, settings: TrainSettings, run: RunDir, *, first: bool) -> None:
        self.settings, self.run, self.first = settings, run, first
        self._records_failure = first and not settings.resume  # a resume that is refused leaves the run as it was
        self._started = time.perf_counter()
        self._from: int | None = None  # iteration of the state that a resume goes on from

    def begin(self) -> None:
        """Leave the settings and a first status in the directory of a new run."""
        if self.first and not self.settings.resume:
            record_config(self.run.path, self.settings.resolved)
            self._write_status("running", "getting ready", None)

    def prepare(self, parts: TrainingParts) -> None:
        """Open the data, load what the model and the data take from earlier runs, and find the state to go on from.

        Raises:
            ConfigError, DataError, CheckpointError: something does not fit, in one sentence.
        """
        self.parts = parts
        model, data = parts.model, parts.data
        data.streams, data.clock = model.streams, model.clock
        data.setup("fit")
        if self.first and data.origin["skipped"]:
            log.warning("%d images that do not decode were left out (data.on_error=skip).", data.origin["skipped"])
        data.prepare_mix(RunScorers(parts.runs))
        attach_networks(model, data, parts.runs)
        model.prepare(data)
        budget = model.budget = iterations(self.settings.trainer, data.iterations_per_epoch)
        saved = load_state(self.run, self.settings, budget, data.fingerprints()) if self.settings.resume else None
        start_loggers(parts, self.settings.resolved, saved)
        self.trainer = build_trainer(parts, self.settings, self.run, budget)
        self._use_hardware(model, data)
        if saved is not None:
            self._from = saved["clock"]["iteration"]
            concluded = is_concluded(self.run, self._from, report=self.settings.report)
            stops: list[QualityStop | Best | Guard] = callbacks_of(self.trainer, QualityStop, Best, Guard)
            for stop in stops:
                stop.trained_on = concluded
        if saved is not None and self.first:
            remember(self.run.path, self.settings.resolved)
            self._records_failure = True
            self._write_status("running", f"resumed at iteration {saved['clock']['iteration']}", None)
        if self.first:
            record_images(self.run, data, labelled=model.uses_labels)

    def announce(self) -> None:
        """Say on stderr what is about to be trained, on what, and where."""
        if self.first:
            say("\n".join(opening_lines(self.parts, self.trainer, self.settings.trainer.strategy)))

    def fit(self) -> None:
        """Train to the end of the budget, or until a callback or a signal stops it.

        Raises:
            ConfigError: Lightning refuses the settings.
            CheckpointError: the state to go on from is not that of this training.
            DivergedError, DiskError: from the callbacks.
        """
        path = self.run.checkpoints / "last.ckpt" if self.settings.resume else None
        for logger in self.parts.loggers:
            logger.keep_open = True  # the figures of the end come after the training
        try:
            with restoring(self.trainer, path):
                self.trainer.fit(self.parts.model, datamodule=self.parts.data, ckpt_path=path, weights_only=True)
        except MisconfigurationException as error:
            raise ConfigError(str(error)) from error
        # Lightning leaves the model on the CPU; final metrics and cost are those of the device that it was trained on.
        self.parts.model.to(self.trainer.strategy.root_device)

    def conclude(self, *, hints: bool = True) -> dict[str, Any]:
        """Close the loggers, write result and report; returns the content of `result.json`, empty in other processes.

        Args:
            hints: whether to say on stderr which command goes on from here.

        Raises:
            Interrupted: a signal stopped the training.
        """
        model = self.parts.model
        if not self.first:
            return {}
        if (
            model.clock.iteration == self._from
        ):  # nothing was trained: a kill may have come before these weights were written
            save_weights(self.run.path, model, self.parts.data)
        self.run.report.unlink(
            missing_ok=True
        )  # the page of an earlier end; without one, a kill from here on is noticed
        best, final = None, FinalMetrics()
        if is_finished(self.trainer, model):
            best = self._take_best()
            final = model.final_metrics(self.parts.data)
            if model.draws_images:
                final |= FinalMetrics(sample_metrics(model, self.parts.data))
        seconds = time.perf_counter() - self._started
        result = training_result(self.settings, self.trainer, model, self.parts.data, final, best=best, seconds=seconds)
        self.run.write_result(result)
        record_mistakes(self.run, self.parts.data, result, self.parts.loggers)
        close_loggers(self.parts.loggers, result, self.run)
        conclusion = "; ".join(result["remarks"])
        ending = ending_of(self.trainer, model, best=best, conclusion=conclusion)
        self._write_status(ending.state, ending.reason, ending.exit_code)
        self._report()
        if ending.signal:
            if goes_on_later(ending.signal):
                say(requeue(ending.signal))
            raise Interrupted(f"{ending.reason}; go on with: {resume_command('train', self.run)}", ending.signal)
        if hints:
            self._print_next()
        return result

    def fail(self, error: BaseException) -> None:
        """Say in `status.json` why the training broke off and what is left of it; never hides the error itself."""
        for logger in self.parts.loggers if hasattr(self, "parts") else ():
            with contextlib.suppress(Exception):
                logger.finalize("failed")
        if not self._records_failure:
            return
        checkpoint = self._last_checkpoint()
        if isinstance(error, DivergedError) and checkpoint:
            error.args = (f"{error} The last good checkpoint is {self.run.path / checkpoint}.",)
        state, code = ended_with(error)
        with held(), contextlib.suppress(Exception):
            self._write_status(state, str(error) or type(error).__name__, code)
            if hasattr(self, "trainer") and not isinstance(
                error, Interrupted
            ):  # whoever stops a run does not wait for a page
                self._report()

    def stopped(self, number: int) -> Interrupted:
        """What to tell the user when a signal stopped the training outside of its loop."""
        last = self._last_checkpoint()
        again = f"go on with: {resume_command('train', self.run)}" if last else "start it again"
        return Interrupted(f"stopped by {name_of(number)}; {again}", number)

    def out_of_memory(self) -> OutOfMemoryError:
        """What to tell the user when the device refused an allocation."""
        return OutOfMemoryError(
            f"The device ran out of memory at data.batch_size={self.settings.batch_size} with model.accumulate="
            f"{self.settings.accumulate}; raise model.accumulate (the same batch in smaller parts) or lower data.batch_size."
        )

    # -- parts -----------------------------------------------------------------------------------------------------------

    def _use_hardware(self, model: Game, data: ImageData) -> None:
        shape, strategy = data.shape, self.trainer.strategy
        rows = self.settings.batch_size // (self.trainer.world_size * self.settings.accumulate)
        image = (shape.channels, shape.image_size, shape.image_size)
        self.settings.speed.apply(model, strategy.root_device, image=image, rows=rows, sharded=is_sharded(strategy))

    def _take_best(self) -> int | None:
        """Give the run the weights of its best measurement, where callback/quality_stop says so; returns their iteration.

        `checkpoints/last.ckpt` stays what was trained last: a resume goes on from there.
        """
        stops = callbacks_of(self.trainer, QualityStop)
        if not any(stop.keep_best for stop in stops) or not self.run.best_weights.exists():
            return None
        best = best_state(self.run, self.parts.model)
        if best is not None:
            write_atomic(self.run.weights, self.run.best_weights.read_bytes())
        return best

    def _write_status(self, state: State, reason: str, exit_code: int | None) -> None:
        clock = self.parts.model.clock if hasattr(self, "parts") else Clock()
        self.run.write_status(state, reason, exit_code, clock.state_dict(), self._last_checkpoint())

    def _last_checkpoint(self) -> str | None:
        return "checkpoints/last.ckpt" if (self.run.checkpoints / "last.ckpt").exists() else None

    def _report(self) -> None:
        if self.settings.report:
            from sparring.report.train import train_report  # matplotlib, which only the end of a run needs

            train_report(self.run.path)

    def _print_next(self) -> None:
        if published_share(self.parts.model) < FAR_BELOW and not given_in(self.settings.resolved["model"]):
            longer = f"trainer.max_steps={LONGER * self.parts.model.clock.iteration}"
            say(f"Longer: {resume_command('train', self.run, longer)}")
        if self.parts.model.draws_images and "generator" not in given_in(self.settings.resolved["model"]):
            say(f"Images: {use_command('generate', self.run)}")
