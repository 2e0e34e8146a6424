"""What `generate.py` reads from its configuration, once, as plain values."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from omegaconf import DictConfig, OmegaConf

from sparring.core.settings import device_named
from sparring.generation.batch_norm import Statistics
from sparring.generation.sampler import LabelRule
from sparring.run.environment import config_hash

RECORDED = ("count", "label", "truncation", "sampling", "bn", "seed", "batch_size", "format", "device")


@dataclass(frozen=True)
class GenerateSettings:
    """conf/generate.yaml says what each key means.

    Args:
        sampling: section from which the way of sampling is built.
        recorded: the settings that images depend on and where they go, as plain values for the manifest.
        config_hash: of the whole configuration, for the record.
    """

    run: str
    count: int
    label: LabelRule
    truncation: float | None
    sampling: DictConfig
    batch_norm: Statistics
    seed: int
    batch_size: int
    formats: tuple[str, ...]
    weights: str
    checkpoint: str | int
    device: torch.device
    log_dir: Path
    extensions: tuple[str, ...]
    recorded: dict[str, Any]
    config_hash: str
    name: str

    @classmethod
    def of(cls, config: DictConfig) -> "GenerateSettings":
        """The settings of a run of `generate.py`.

        Raises:
            ConfigError: a device that this machine does not have.
        """
        return cls(
            run=str(config.run), count=config.count, label=config.label, truncation=config.truncation,
            sampling=config.sampling, batch_norm=config.bn, seed=config.seed, batch_size=config.batch_size,
            formats=(config.format,) if isinstance(config.format, str) else tuple(config.format),
            weights=config.weights, checkpoint=config.checkpoint, device=device_named(config.device),
            log_dir=Path(config.paths.log_dir), extensions=tuple(config.extensions),
            recorded={key: _plain(config[key]) for key in RECORDED}, config_hash=config_hash(config), name=str(config.name),
        )  # fmt: skip


def _plain(value: Any) -> Any:
    return OmegaConf.to_container(value, resolve=True) if OmegaConf.is_config(value) else value
