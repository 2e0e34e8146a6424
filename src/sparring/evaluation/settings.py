"""What `evaluate.py` reads from its configuration, once, as plain values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from omegaconf import DictConfig

from sparring.config.plain import plain
from sparring.core.errors import ConfigError
from sparring.core.settings import device_named
from sparring.generation.sampler import LabelRule
from sparring.metric.features.base import Features
from sparring.metric.suite import check_names
from sparring.run.environment import config_hash
from sparring.trained.runs import Runs

SPLITS = ("train", "val", "test")


@dataclass(frozen=True)
class DrawSettings:
    """How samples of a run are drawn.

    Args:
        weights, checkpoint: which of the run's weights.
        count: samples of a set; None: as many as training images, at most `subject.MAX_SAMPLES`.
        repeats: independent sets.
        seed: of the first set; the others count on from it.
        label, truncation: as `generation.sampler.Sampler` takes them.
        batch_size: samples drawn together.
    """

    weights: str
    checkpoint: str | int
    count: int | None
    repeats: int
    seed: int
    label: LabelRule
    truncation: float | None
    batch_size: int


@dataclass(frozen=True)
class EvaluateSettings:
    """conf/evaluate.yaml says what each key means.

    Args:
        run: a GAN's run, or None; `images` and what they are measured against (`reference` or `data`) are then given.
        data: settings from which the data set is built, as plain values; None: those of `reference` or of the run.
        features: the extractor, without its network.
        metrics: keys of `metric.suite.METRICS`.
        runs: where earlier runs are.
        neighbours: k of precision, recall, density and coverage.
        config_hash: of the whole configuration, for the record.
    """

    name: str
    run: str | None
    images: str | None
    reference: str | None
    data: Mapping[str, Any] | None
    features: Features
    metrics: tuple[str, ...]
    neighbours: int
    splits: tuple[str, ...]
    draw: DrawSettings
    device: torch.device
    report: bool
    cache_dir: Path
    runs: Runs
    root_dir: Path
    config_hash: str

    @classmethod
    def of(cls, config: DictConfig) -> "EvaluateSettings":
        """The settings of a run of `evaluate.py`.

        Raises:
            ConfigError: neither or both of run and images, or a metric, split, count or device that there is not.
        """
        if (config.run is None) == (config.images is None):
            raise ConfigError("give either run=<run directory of a GAN> or images=<images> reference=<data set>.")
        if config.images is not None and (config.reference is None) == (config.data is None):
            raise ConfigError(
                "images= needs reference=<data set, such as cifar10, or a run whose data it is>, or data=<data set>."
            )
        if config.repeats < 1:
            raise ConfigError(f"repeats={config.repeats} must be 1 or more sets of samples.")
        runs = Runs.of(config)
        draw = DrawSettings(
            weights=config.weights, checkpoint=config.checkpoint, count=config.count, repeats=config.repeats,
            seed=config.seed, label=str(config.label), truncation=config.truncation, batch_size=config.batch_size,
        )  # fmt: skip
        return cls(
            name=config.name, run=_text(config.run), images=_text(config.images), reference=_text(config.reference),
            data=None if config.data is None else plain(config.data),
            features=runs.build(config.metric.features, section="metric"), metrics=tuple(check_names(config.metric.names)),
            neighbours=config.metric.k, splits=checked_splits(config.splits), draw=draw,
            device=device_named(config.device), report=config.report, cache_dir=Path(config.paths.cache_dir),
            root_dir=Path(config.paths.root_dir), runs=runs, config_hash=config_hash(config),
        )  # fmt: skip


def checked_splits(given: Sequence[str] | str) -> tuple[str, ...]:
    """One split or several.

    Raises:
        ConfigError: an unknown split, or none at all.
    """
    splits = (given,) if isinstance(given, str) else tuple(given)
    for split in splits:
        if split not in SPLITS:
            raise ConfigError(f"splits={list(splits)} names '{split}'; give some of {', '.join(SPLITS)}.")
    if not splits:
        raise ConfigError(f"splits is empty; give some of {', '.join(SPLITS)}.")
    return splits


def _text(given: Any) -> str | None:
    return None if given is None else str(given)
