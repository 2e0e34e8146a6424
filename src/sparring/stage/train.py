"""The verb `train`: from a config to a trained model in its run directory."""

import contextlib
import logging
import signal
import sys
import time
from pathlib import Path
from typing import Any

import lightning.pytorch as L
import torch
from lightning.fabric.utilities.exceptions import MisconfigurationException
from omegaconf import DictConfig, OmegaConf

from sparring.callback.best import Best
from sparring.callback.checkpoint import Checkpoint
from sparring.callback.quality_stop import QualityStop
from sparring.callback.scalars import Scalars
from sparring.callback.signals import Signals
from sparring.config.build import build
from sparring.config.compose import rank
from sparring.core.errors import CheckpointError, ConfigError, DivergedError, Interrupted, OutOfMemoryError
from sparring.core.randomness import seed_of
from sparring.logger.csv import CSVLogger
from sparring.model.clock import Clock
from sparring.model.game import Game
from sparring.run.checkpoint import VerifiedCheckpointIO
from sparring.run.commands import resume_command, use_command
from sparring.run.cost import peak_memory_mb
from sparring.run.directory import RunDir, State, config_hash, environment, write_atomic
from sparring.run.status import ended_with, record_config, remember
from sparring.trained.runs import build_model
from sparring.trained.scorer import RunScorers
from sparring.training.attach import attach_classifiers
from sparring.training.images import record_images
from sparring.training.resume import check_settings, load_state
from sparring.training.trainer import build_trainer, callback_of, check_trainer, iterations, quiet_lightning

log = logging.getLogger(__name__)


def train(config: DictConfig, run_dir: Path) -> dict[str, Any]:
    """Train what `config` describes and leave weights, curves, pictures and a report in `run_dir`.

    Returns the content of `result.json`.

    Raises:
        ConfigError, DataError, CheckpointError, DivergedError, OutOfMemoryError, DiskError: in one sentence each;
            `status.json` of the run says the same and names the last good checkpoint.
        Interrupted: a signal stopped the run after its state was saved.
    """
    quiet_lightning()
    config.paths.run_dir = str(run_dir)
    first = rank() == 0
    run = RunDir(run_dir) if not first else RunDir.resume(run_dir) if config.resume else RunDir.create(run_dir)
    with run:
        training = Training(config, run, first=first)
        try:
            if first and not config.resume:
                record_config(config, run_dir)
                training.status("running", "getting ready", None)
            training.prepare()
            training.fit()
            return training.conclude()
        except Interrupted:
            raise
        except BaseException as error:
            training.failed(error)
            if isinstance(error, torch.OutOfMemoryError):
                raise OutOfMemoryError(_out_of_memory(config)) from error
            raise


class Training:
    """One run of the stage: its parts while they are being put together, and what became of them."""

    model: Game
    data: Any
    trainer: L.Trainer

    def __init__(self, config: DictConfig, run: RunDir, *, first: bool) -> None:
        self.config, self.run, self.first = config, run, first
        self.extensions = list(config.extensions)
        self.saved: dict[str, Any] | None = None
        self.loggers: list[Any] = []
        self.clock = Clock()
        self._writing = first and not config.resume  # a resume that is refused leaves the run as it was
        self._started = time.perf_counter()

    def prepare(self) -> None:
        """Build everything, cheap checks first: settings, then shapes, then data, then devices."""
        config = self.config
        if config.resume:
            check_settings(self.run, config)
        check_trainer(config)
        torch.manual_seed(seed_of("weights", config.seed))
        model = build_model(config, extensions=self.extensions)
        if not isinstance(model, Game):
            raise ConfigError(f"model={type(model).__name__} cannot be trained, expected a sparring.model.game.Game.")
        self.model, self.clock = model, model.clock
        self.data = build(config.data, section="data", extensions=self.extensions)
        self.data.streams, self.data.clock = model.streams, model.clock
        self.data.setup("fit")
        if self.first and self.data.origin["skipped"]:
            log.warning("%d images that do not decode were left out (data.on_error=skip).", self.data.origin["skipped"])
        self.data.prepare_mix(RunScorers(Path(config.paths.log_dir), self.extensions))
        attach_classifiers(model, self.data, log_dir=Path(config.paths.log_dir), extensions=self.extensions)
        model.prepare(self.data)
        budget = model.budget = iterations(config, self.data.iterations_per_epoch)
        if config.resume:
            self.saved = load_state(self.run, config, budget, self.data.fingerprints())
        self._start_loggers()
        self.trainer = build_trainer(config, self.run, budget, self.loggers, extensions=self.extensions)
        if self.saved is not None and self.first:
            remember(self.run.path, config)
            self._writing = True
            self.status("running", f"resumed at iteration {self.saved['clock']['iteration']}", None)
        if self.first:
            record_images(self.run, self.data, labelled=model.uses_labels)

    def fit(self) -> None:
        path = self.run.checkpoints / "last.ckpt" if self.saved is not None else None
        try:
            self.trainer.fit(self.model, datamodule=self.data, ckpt_path=path, weights_only=True)
        except MisconfigurationException as error:
            raise ConfigError(str(error)) from error

    def conclude(self) -> dict[str, Any]:
        """Close the loggers, write result and report; a run that a signal stopped ends with Interrupted."""
        for logger in self.loggers:
            logger.finalize("success")
        if not self.first:
            return {}
        kept = self._take_best() if self._finished() else None
        result = self._result(kept)
        self.run.write_result(result)
        iteration, budget = self.clock.iteration, self.trainer.max_steps
        received = callback_of(self.trainer, Signals).received
        said = f"; {words}" if (words := self.model.conclusion(result["metrics"])) else ""
        best = f"; its weights are those of iteration {kept}, the best" if kept not in (None, iteration) else ""
        if stop := self._stopped():
            self.status("finished", f"stopped after iteration {iteration} of {budget}, {stop.sentence}{best}", 0)
        elif iteration == budget:
            self.status("finished", f"trained for its whole budget of {iteration} iterations{best}{said}", 0)
        elif received:
            reason = f"stopped by {signal.Signals(received).name} after iteration {iteration} of {budget}"
            self.status("interrupted", reason, 128 + received)
            self._report()
            raise Interrupted(f"{reason}; go on with: {resume_command('train', self.run)}", received)
        else:
            self.status("interrupted", f"a callback stopped it after iteration {iteration} of {budget}", 0)
        if said:
            print(f"Result: {words}.", file=sys.stderr)
        if report := self._report():
            print(f"Report: {report}", file=sys.stderr)
        if self.model.draws_images:
            print(f"Images: {use_command('generate', self.run)}", file=sys.stderr)
        return result

    def _take_best(self) -> int | None:
        """The run's weights become those of its best measurement where callback/quality_stop keeps it; returns its iteration.

        `checkpoints/last.ckpt` stays what was trained last: a resume goes on from there.
        """
        stops = [each for each in self.trainer.callbacks if isinstance(each, QualityStop)]  # type: ignore[attr-defined]
        if not any(stop.keep_best for stop in stops) or not self.run.best_weights.exists():
            return None
        try:
            saved = VerifiedCheckpointIO().load_checkpoint(self.run.checkpoints / "best.ckpt")
        except CheckpointError as error:  # the run is trained: it ends with its last weights
            log.warning("The weights of the best measurement are not taken: %s", error)
            return None
        self.model.load_state_dict(saved["state_dict"])
        write_atomic(self.run.weights, self.run.best_weights.read_bytes())
        return int(saved["clock"]["iteration"])

    def _finished(self) -> bool:
        return self._stopped() is not None or self.clock.iteration == self.trainer.max_steps

    def failed(self, error: BaseException) -> None:
        """Say in `status.json` why the run ended and what is left of it; never hide the error itself."""
        for logger in self.loggers:
            with contextlib.suppress(Exception):
                logger.finalize("failed")
        if not self._writing:
            return
        kept = self._last_checkpoint()
        if isinstance(error, DivergedError) and kept:
            error.args = (f"{error} The last good checkpoint is {self.run.path / kept}.",)
        state, code = ended_with(error)
        with contextlib.suppress(Exception):
            self.status(state, str(error) or type(error).__name__, code)
            if hasattr(self, "trainer"):
                self._report()

    def status(self, state: State, reason: str, exit_code: int | None) -> None:
        self.run.write_status(state, reason, exit_code, self.clock.state_dict(), self._last_checkpoint())

    # -- parts -----------------------------------------------------------------------------------------------------------

    def _start_loggers(self) -> None:
        if not self.first:
            return
        configured = [
            build(node, section="logger", extensions=self.extensions) for node in self.config.logger.values() if node
        ]
        always = (
            [] if any(isinstance(each, CSVLogger) for each in configured) else [CSVLogger(path=self.run.metrics_csv)]
        )
        self.loggers = always + configured
        for logger in self.loggers:
            if self.saved is not None:
                logger.continue_after(self.saved["clock"]["iteration"], self.saved["logger_runs"].get(logger.name))
            logger.log_hyperparams(OmegaConf.to_container(self.config, resolve=True))

    def _stopped(self) -> QualityStop | Best | None:
        """The callback that ended the run, if it did."""
        stops = (each for each in self.trainer.callbacks if isinstance(each, QualityStop | Best))  # type: ignore[attr-defined]
        return next((stop for stop in stops if stop.sentence), None)

    def _last_checkpoint(self) -> str | None:
        return "checkpoints/last.ckpt" if (self.run.checkpoints / "last.ckpt").exists() else None

    def _report(self) -> Path | None:
        if not self.config.report:
            return None
        from sparring.report import train_report  # matplotlib, which only the end of a run needs

        return train_report(self.run.path)

    def _result(self, kept: int | None) -> dict[str, Any]:
        """The content of result.json. kept: iteration of the weights, None for the last one."""
        count = {
            player: sum(parameter.numel() for parameter in getattr(self.model, player).parameters())
            for player in self.model.factories
        }
        stop, finished, spent = self._stopped(), self._finished(), callback_of(self.trainer, Checkpoint)
        return {
            "verb": "train",
            "name": self.config.name,
            "config_hash": config_hash(self.config),
            "data": {
                "name": self.config.data.name,
                "origin": self.data.origin,
                "fingerprints": self.data.fingerprints(),
            },
            "classes": list(self.data.class_names),
            "clock": self.model.clock.state_dict(),
            "weights": {"iteration": self.clock.iteration if kept is None else kept},
            "validation": next((each.record() for each in self.trainer.callbacks if isinstance(each, Best)), None),  # type: ignore[attr-defined]
            "budget": self.trainer.max_steps,
            "stopped": stop.sentence if stop else "budget" if finished else "interrupted",
            "parameters": count,
            "metrics": self.model.final_metrics(self.data) if finished else {},
            "scalars": callback_of(self.trainer, Scalars).latest,
            "cost": {
                "seconds": round(spent.seconds, 1),
                "cpu_seconds": round(spent.cpu_seconds, 3) if self.model.device.type == "cpu" else None,
                "seconds_with_set_up": round(time.perf_counter() - self._started, 1),
                "images_seen": self.model.clock.images_seen,
                "peak_memory_mb": peak_memory_mb(self.model.device),
            },
            "environment": environment(),
        }


def _out_of_memory(config: DictConfig) -> str:
    return (
        f"The device ran out of memory at data.batch_size={config.data.batch_size} with model.accumulate="
        f"{config.model.accumulate}; raise model.accumulate (the same batch in smaller parts) or lower data.batch_size."
    )
