"""What `train.py` reads from its configuration, once, as plain values."""

from dataclasses import dataclass
from typing import Any

from omegaconf import DictConfig, OmegaConf

from sparring.config.plain import plain
from sparring.run.environment import config_hash
from sparring.training.speed import SpeedSettings


@dataclass(frozen=True)
class TrainerSettings:
    """The section `trainer`; conf/trainer/default.yaml says what each key means."""

    accelerator: str
    strategy: str  # how several devices share the work
    devices: Any  # a number, a list of indices, -1 or "auto"
    num_nodes: int
    precision: str
    max_steps: int | None
    max_epochs: int | None
    log_every_n_steps: int
    val_check_interval: int

    @classmethod
    def of(cls, section: DictConfig) -> "TrainerSettings":
        """The settings of the section `trainer`."""
        devices = list(section.devices) if OmegaConf.is_list(section.devices) else section.devices
        return cls(
            accelerator=section.accelerator, strategy=section.get("strategy", "ddp"), devices=devices,
            num_nodes=section.num_nodes, precision=str(section.precision),
            max_steps=section.max_steps, max_epochs=section.max_epochs,
            log_every_n_steps=section.log_every_n_steps, val_check_interval=section.val_check_interval,
        )  # fmt: skip


@dataclass(frozen=True)
class TrainSettings:
    """conf/train.yaml says what each key means.

    Args:
        resume: whether the run directory holds a run to go on with.
        data_path: where the images are, as given.
        batch_size: images per iteration over all devices.
        accumulate: parts in which a device takes its share of the batch.
        scheduled: whether learning rates depend on the whole budget.
        config_hash: of all settings that decide the result.
        resolved: the whole configuration as plain values, for records, loggers and the comparison on resume.
    """

    name: str
    resume: bool
    report: bool
    data_name: str
    data_path: Any
    batch_size: int
    accumulate: int
    scheduled: bool
    trainer: TrainerSettings
    speed: SpeedSettings
    config_hash: str
    resolved: dict[str, Any]

    @classmethod
    def of(cls, config: DictConfig) -> "TrainSettings":
        """The settings of a run of `train.py`."""
        data = config.data
        return cls(
            name=config.name, resume=bool(config.resume), report=config.report,
            data_name=data.name, data_path=data.path, batch_size=data.batch_size, accumulate=config.model.accumulate,
            scheduled="constant" not in OmegaConf.select(config, "model.schedule._target_", default="constant"),
            trainer=TrainerSettings.of(config.trainer), speed=SpeedSettings.of(config.speed),
            config_hash=config_hash(config), resolved=plain(config),
        )  # fmt: skip
