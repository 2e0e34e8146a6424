"""What `generate.py` reads from its configuration, once, as plain values."""

from dataclasses import dataclass
from typing import Any

import torch
from omegaconf import DictConfig, OmegaConf

from sparring.core.settings import device_named
from sparring.generation.batch_norm import Statistics
from sparring.generation.directions import strengths
from sparring.generation.sampler import LabelRule
from sparring.generation.walk import WalkSettings
from sparring.run.environment import config_hash
from sparring.sampling.base import Sampling
from sparring.trained.runs import Runs

RECORDED = (
    "count", "label", "truncation", "sampling", "bn", "seed", "batch_size", "format", "device", "interpolate", "morph", "frames",
    "toward", "share", "move", "classifier",
)  # fmt: skip
HALF = 0.5  # share of the way to another seed


@dataclass(frozen=True)
class GenerateSettings:
    """conf/generate.yaml says what each key means.

    Args:
        sampling: how latents are chosen.
        share: of the way to `toward`; None without that.
        move: strength in standard deviations by the name of a direction. direction: the section, to build the ways from.
        runs: where earlier runs are.
        recorded: the settings that images depend on and where they go, as plain values for the manifest.
        config_hash: of the whole configuration, for the record.
    """

    run: str
    count: int
    label: LabelRule
    truncation: float | None
    sampling: Sampling
    batch_norm: Statistics
    seed: int
    batch_size: int
    formats: tuple[str, ...]
    walks: WalkSettings
    toward: int | None
    share: float | None
    move: dict[str, float]
    classifier: str | None
    direction: dict[str, Any]
    weights: str
    checkpoint: str | int
    device: torch.device
    runs: Runs
    recorded: dict[str, Any]
    config_hash: str
    name: str

    @classmethod
    def of(cls, config: DictConfig) -> "GenerateSettings":
        """The settings of a run of `generate.py`.

        Raises:
            ConfigError: a device that this machine does not have, or a way of sampling that refuses its settings.
        """
        runs = Runs.of(config)
        share = HALF if config.share is None and config.toward is not None else config.share
        return cls(
            run=str(config.run), count=config.count, label=str(config.label), truncation=config.truncation,
            sampling=runs.build(config.sampling, section="sampling"), batch_norm=config.bn,
            seed=config.seed, batch_size=config.batch_size,
            formats=(config.format,) if isinstance(config.format, str) else tuple(config.format),
            walks=WalkSettings(
                config.interpolate, None if config.morph is None else tuple(map(str, _listed(config.morph))), config.frames
            ),
            toward=config.toward, share=share, move=strengths(_listed(config.move)),
            classifier=None if config.classifier is None else str(config.classifier), direction=_plain(config.direction),
            weights=config.weights, checkpoint=config.checkpoint, device=device_named(config.device),
            runs=runs,
            recorded={key: _plain(config[key]) for key in RECORDED} | {"share": share},
            config_hash=config_hash(config), name=str(config.name),
        )  # fmt: skip


def _listed(value: Any) -> list[Any]:
    plain = _plain(value)
    return plain if isinstance(plain, list) else [plain]


def _plain(value: Any) -> Any:
    return OmegaConf.to_container(value, resolve=True) if OmegaConf.is_config(value) else value
