"""`python train.py`: from a config to a trained model in its run directory."""

import contextlib
import signal
import sys
import time
from pathlib import Path
from typing import Any

import lightning.pytorch as L
import torch
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.utilities import rank_zero_only
from omegaconf import DictConfig, OmegaConf

from sparring.build import build, build_model
from sparring.callback.checkpoint import Checkpoint
from sparring.callback.scalars import Scalars
from sparring.callback.signals import Signals
from sparring.cli.resume import remember
from sparring.errors import ConfigError, DivergedError, Interrupted, OutOfMemoryError, SparringError
from sparring.logger.csv import CSVLogger
from sparring.model.gan import GAN
from sparring.randomness import seed_of
from sparring.run_dir import RunDir, config_hash, environment, write_atomic
from sparring.stage.cost import peak_memory_mb
from sparring.stage.resume import check_settings, load_state
from sparring.stage.trainer import build_trainer, iterations, quiet_lightning


def train(config: DictConfig, run_dir: Path) -> dict[str, Any]:
    """Train what `config` describes and leave weights, curves, pictures and a report in `run_dir`.

    Returns the content of `result.json`.

    Raises:
        ConfigError, DataError, CheckpointError, DivergedError, OutOfMemoryError, DiskError: in one sentence each;
            `status.json` of the run says the same and names the last good checkpoint.
        Interrupted: a signal stopped the run after its state was saved.
    """
    quiet_lightning()
    first = rank_zero_only.rank == 0  # type: ignore[attr-defined]
    run = RunDir(run_dir) if not first else RunDir.resume(run_dir) if config.resume else RunDir.create(run_dir)
    if first:
        _record_config(config, run_dir)
    with run:
        training = Training(config, run, first=first)
        try:
            training.prepare()
            training.fit()
        except BaseException as error:
            training.failed(error)
            if isinstance(error, torch.OutOfMemoryError):
                raise OutOfMemoryError(_out_of_memory(config)) from error
            raise
        return training.conclude()


class Training:
    """One run of the stage: its parts while they are being put together, and what became of them."""

    data: Any
    model: GAN
    trainer: L.Trainer

    def __init__(self, config: DictConfig, run: RunDir, *, first: bool) -> None:
        self.config, self.run, self.first = config, run, first
        self.extensions = list(config.extensions)
        self.saved: dict[str, Any] | None = None
        self.loggers: list[Any] = []
        self._started = time.perf_counter()

    def prepare(self) -> None:
        """Build everything, cheap checks first: shapes before data, data before devices."""
        config = self.config
        if config.resume:
            check_settings(self.run, config)
        torch.manual_seed(seed_of("weights", config.seed))
        model = build_model(config, extensions=self.extensions)
        if not isinstance(model, GAN):
            raise ConfigError(f"model={type(model).__name__} cannot be trained by train.py, expected a GAN.")
        self.model = model
        self.data = build(config.data, extensions=self.extensions)
        self.data.streams, self.data.clock = model.streams, model.clock
        self.data.setup("fit")
        model.class_prior.copy_(self.data.class_prior)
        budget = model.budget = iterations(config, self.data.iterations_per_epoch)
        if config.resume:
            self.saved = load_state(self.run, budget)
            if self.first:
                remember(self.run.path, config)
        elif self.first:
            self._status("running", "training has started", None)
        self._start_loggers()
        self.trainer = build_trainer(config, self.run, budget, self.loggers, extensions=self.extensions)

    def fit(self) -> None:
        path = self.run.checkpoints / "last.ckpt" if self.saved is not None else None
        if self.saved is not None and self.first:
            self._status("running", f"resumed at iteration {self.saved['clock']['iteration']}", None)
        try:
            self.trainer.fit(self.model, datamodule=self.data, ckpt_path=path, weights_only=True)
        except MisconfigurationException as error:
            raise ConfigError(str(error)) from error

    def conclude(self) -> dict[str, Any]:
        """Close the loggers, write result and report; a run that a signal stopped ends with Interrupted."""
        received = self._callback(Signals).received
        for logger in self.loggers:
            logger.finalize("interrupted" if received else "success")
        if not self.first:
            return {}
        result = self._result()
        self.run.write_result(result)
        iteration = self.model.clock.iteration
        if received:
            name = signal.Signals(received).name
            reason = f"stopped by {name} after iteration {iteration} of {self.trainer.max_steps}"
            self._status("interrupted", reason, 128 + received)
            self._report()
            raise Interrupted(f"{reason}; go on with: python train.py resume={self.run.path}", received)
        self._status("finished", f"trained for its whole budget of {iteration} iterations", 0)
        report = self._report()
        print(f"Report: {report}\nImages: python generate.py run={self.run.path}", file=sys.stderr)
        return result

    def failed(self, error: BaseException) -> None:
        """Say in `status.json` why the run ended and what is left of it; never hide the error itself."""
        for logger in self.loggers:
            with contextlib.suppress(Exception):
                logger.finalize("failed")
        if not self.first or (self.config.resume and self.saved is None):
            return  # a refused resume leaves the run as it was
        state = "diverged" if isinstance(error, DivergedError) else "failed"
        code = error.exit_code if isinstance(error, SparringError) else 5 if _is_memory(error) else 1
        kept = self._last_checkpoint()
        if isinstance(error, DivergedError) and kept:
            error.args = (f"{error} The last good checkpoint is {self.run.path / kept}.",)
        with contextlib.suppress(Exception):
            self._status(state, str(error) or type(error).__name__, code)
            if hasattr(self, "trainer"):
                self._report()

    # -- parts -----------------------------------------------------------------------------------------------------------

    def _start_loggers(self) -> None:
        if not self.first:
            return
        configured = [build(node, extensions=self.extensions) for node in self.config.logger.values()]
        always = (
            [] if any(isinstance(each, CSVLogger) for each in configured) else [CSVLogger(path=self.run.metrics_csv)]
        )
        self.loggers = always + configured
        for logger in self.loggers:
            if self.saved is not None:
                logger.continue_after(self.saved["clock"]["iteration"], self.saved["logger_runs"].get(logger.name))
            logger.log_hyperparams(OmegaConf.to_container(self.config, resolve=True))

    def _callback(self, kind: type) -> Any:
        return next(callback for callback in self.trainer.callbacks if isinstance(callback, kind))  # type: ignore[attr-defined]

    def _last_checkpoint(self) -> str | None:
        return "checkpoints/last.ckpt" if (self.run.checkpoints / "last.ckpt").exists() else None

    def _status(self, state: Any, reason: str, exit_code: int | None) -> None:
        self.run.write_status(state, reason, exit_code, self.model.clock.state_dict(), self._last_checkpoint())

    def _report(self) -> Path:
        from sparring.report import train_report  # matplotlib, which only the end of a run needs

        return train_report(self.run.path)

    def _result(self) -> dict[str, Any]:
        count = {
            player: sum(parameter.numel() for parameter in getattr(self.model, player).parameters())
            for player in ("generator", "discriminator")
        }
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
            "parameters": count,
            "metrics": {},
            "scalars": self._callback(Scalars).latest,
            "cost": {
                "seconds": round(self._callback(Checkpoint).seconds, 1),
                "seconds_with_set_up": round(time.perf_counter() - self._started, 1),
                "images_seen": self.model.clock.images_seen,
                "peak_memory_mb": peak_memory_mb(self.model.device),
            },
            "environment": environment(),
        }


def _record_config(config: DictConfig, run_dir: Path) -> None:
    """What Hydra does on the command line: a run directory is read back through its settings."""
    file = run_dir / ".hydra" / "config.yaml"
    if not file.exists():
        file.parent.mkdir(exist_ok=True)
        write_atomic(file, OmegaConf.to_yaml(config, resolve=True).encode())


def _is_memory(error: BaseException) -> bool:
    return isinstance(error, torch.OutOfMemoryError | MemoryError)


def _out_of_memory(config: DictConfig) -> str:
    return (
        f"The device ran out of memory at data.batch_size={config.data.batch_size} with model.accumulate="
        f"{config.model.accumulate}; raise model.accumulate (same gradients, less memory) or lower data.batch_size."
    )
