"""Lightning's Trainer: one budget, one strategy, and none of what it does without being asked."""

import logging
import os
import warnings
from typing import Any, TypeVar

import lightning.pytorch as L
import torch
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.plugins.environments import SLURMEnvironment

from sparring.core.distributed import PlayerStrategy
from sparring.core.errors import ConfigError
from sparring.core.program import typed
from sparring.core.sharding import ShardedStrategy
from sparring.run.checkpoint import VerifiedCheckpointIO
from sparring.run.directory import RunDir
from sparring.training.parts import TrainingParts
from sparring.training.settings import TrainerSettings, TrainSettings

LAUNCHERS = ("MASTER_ADDR", "TORCHELASTIC_RUN_ID", "SLURM_NTASKS")
ACCELERATORS = ("auto", "cpu", "gpu", "cuda", "mps")
HALF = ("16", "16-mixed", "16-true")
Callback = TypeVar("Callback", bound=L.Callback)


def build_trainer(parts: TrainingParts, settings: TrainSettings, run: RunDir, budget: int) -> L.Trainer:
    """A Trainer for `budget` iterations on the devices asked for.

    Args:
        parts: its callbacks and loggers, and the Trainer's settings from the configuration.
        settings: of the run.
        run: where Lightning would write if it were asked to.

    Raises:
        ConfigError: Lightning refuses the settings.
    """
    try:
        trainer = parts.make_trainer(
            max_steps=budget, max_epochs=-1, precision=settings.speed.precision(settings.trainer.precision),
            strategy=_strategy(settings.trainer),
            plugins=[VerifiedCheckpointIO()], callbacks=parts.callbacks, logger=parts.loggers or False,
            default_root_dir=str(run.path), enable_checkpointing=False, enable_progress_bar=False,
            enable_model_summary=False, num_sanity_val_steps=0, use_distributed_sampler=False,
        )  # fmt: skip
    except (MisconfigurationException, ValueError, TypeError, RuntimeError) as error:
        raise ConfigError(f"the trainer's settings do not work here: {error}") from error
    # Lightning would synchronise all devices at every iteration to share a SIGTERM, and under SLURM requeue the job at SIGUSR1
    # while the training goes on; the signals callback does both better.
    inner: Any = trainer
    inner.fit_loop.epoch_loop._broadcast_sigterm_tensor = lambda: None
    inner._signal_connector.register_signal_handlers = lambda: None
    return trainer


def _strategy(trainer: TrainerSettings) -> Any:
    if world_size(trainer) == 1:
        return "auto"
    return ShardedStrategy() if trainer.strategy == "fsdp" else PlayerStrategy()


def is_sharded(strategy: Any) -> bool:
    """Whether weights are divided over the devices."""
    return isinstance(strategy, ShardedStrategy)


def callback_of(trainer: L.Trainer, kind: type[Callback]) -> Callback:
    """The trainer's callback of this kind."""
    return next(callback for callback in trainer.callbacks if isinstance(callback, kind))  # type: ignore[attr-defined]


def callbacks_of(trainer: L.Trainer, *kinds: type[Callback]) -> list[Callback]:
    """The trainer's callbacks of these kinds, in its order."""
    return [callback for callback in trainer.callbacks if isinstance(callback, kinds)]  # type: ignore[attr-defined]


def check_trainer(settings: TrainSettings) -> None:
    """What can be refused before anything is built.

    Raises:
        ConfigError: devices, intervals, or a batch that cannot be split evenly.
    """
    trainer = settings.trainer
    check_accelerator(trainer)
    check_launcher(trainer)
    _check_split(settings, world_size(trainer))
    if trainer.num_nodes > 1 and not any(name in os.environ for name in LAUNCHERS):
        raise ConfigError(_how_to_start(trainer))
    if trainer.precision in HALF:
        raise ConfigError(
            f"trainer.precision={trainer.precision} is not supported: its loss scaling was never tried with gradient "
            "penalties; use bf16-mixed or 32-true."
        )
    for key in ("log_every_n_steps", "val_check_interval", "num_nodes"):
        value = getattr(trainer, key)
        if not isinstance(value, int) or value < 1:
            raise ConfigError(f"trainer.{key}={value} must be a whole number of at least 1.")


def _how_to_start(trainer: TrainerSettings) -> str:
    each, nodes = _devices_per_node(trainer), trainer.num_nodes
    torchrun = f"torchrun --nnodes={nodes} --nproc-per-node={each} --rdzv-backend=c10d --rdzv-id=<name>"
    return (
        f"trainer.num_nodes={nodes} needs a start on every machine, and this one would wait for others that do not know of it: "
        f"type {torchrun} --rdzv-endpoint=<first machine>:29500 {typed()} on each, or under SLURM srun --nodes={nodes} "
        f"--ntasks-per-node={each} python {typed()}."
    )


def iterations(trainer: TrainerSettings, per_epoch: int) -> int:
    """The run's budget in iterations.

    Args:
        per_epoch: iterations of one pass over the training images.

    Raises:
        ConfigError: it is none.
    """
    budget = trainer.max_steps if trainer.max_epochs is None else trainer.max_epochs * per_epoch
    if budget is None or budget < 1:
        raise ConfigError(
            f"trainer.max_steps={trainer.max_steps} and trainer.max_epochs={trainer.max_epochs} give no iterations to train; "
            "set trainer.max_steps to 1 or more."
        )
    return int(budget)


def world_size(trainer: TrainerSettings) -> int:
    """Devices that train together, over all nodes.

    Raises:
        ConfigError: `trainer.devices` is neither a positive number, a list of indices, -1 nor auto.
    """
    return _devices_per_node(trainer) * trainer.num_nodes


def _devices_per_node(trainer: TrainerSettings) -> int:
    devices = trainer.devices
    if isinstance(devices, int) and devices > 0:
        return devices
    if isinstance(devices, list) and devices:
        return len(devices)
    if devices in ("auto", -1):
        on_gpu = trainer.accelerator in ("auto", "gpu", "cuda") and torch.cuda.is_available()
        return torch.cuda.device_count() if on_gpu else 1
    raise ConfigError(
        f"trainer.devices={devices} is not a number of devices; give 1 or more, a list such as [0,1], or auto."
    )


def quiet_lightning() -> None:
    """Lightning greets every Trainer with hardware tables and adverts; warnings that a user can act on stay."""
    for name in ("lightning.pytorch.utilities.rank_zero", "lightning.pytorch.accelerators.cuda", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.WARNING)
    for pattern in (
        ".*does not have many workers.*",
        ".*is smaller than the logging interval.*",  # ours counts across epochs
        ".*ended before the epoch ended.*",  # our stream resumes where it was
        ".*in eval mode at the start of training.*",  # the averaged generator
        ".*LeafSpec.*",
        ".*Trying to infer the `batch_size`.*",
    ):
        warnings.filterwarnings("ignore", message=pattern)


def check_accelerator(trainer: TrainerSettings) -> None:
    """Raise ConfigError for a kind of device that Lightning may know and this program was never run on."""
    if trainer.accelerator not in ACCELERATORS:
        raise ConfigError(
            f"trainer.accelerator={trainer.accelerator} is not supported: give one of {', '.join(ACCELERATORS)}."
        )


def check_launcher(trainer: TrainerSettings) -> None:
    """A launcher's processes must be those that the settings ask for, or each would train the whole run by itself."""
    asked, launched = world_size(trainer), None
    if "TORCHELASTIC_RUN_ID" in os.environ:
        launched = "torchrun", int(os.environ["WORLD_SIZE"])
    elif SLURMEnvironment.detect() and "SLURM_STEP_NUM_TASKS" in os.environ:
        launched = "srun", int(os.environ["SLURM_STEP_NUM_TASKS"])
    if launched is not None and launched[1] > asked:
        raise ConfigError(
            f"{launched[0]} started {launched[1]} processes, and trainer.devices={trainer.devices} with trainer.num_nodes="
            f"{trainer.num_nodes} asks for {asked}: give both the same number."
        )


def _check_split(settings: TrainSettings, world: int) -> None:
    parts = world * settings.accumulate
    if settings.batch_size % parts:
        raise ConfigError(
            f"data.batch_size={settings.batch_size} is the batch of all devices and cannot be split evenly into {world} "
            f"device(s) x model.accumulate={settings.accumulate}; choose a multiple of {parts}."
        )
