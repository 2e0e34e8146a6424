"""What `attack.py` reads from its configuration, once, as plain values."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from omegaconf import DictConfig, ListConfig

from sparring.config.plain import plain
from sparring.core.errors import ConfigError
from sparring.core.settings import check_at_least_one, device_named, pixel_fraction
from sparring.corruption.table import CORRUPTIONS

SPLITS = ("train", "val", "test")


@dataclass(frozen=True)
class CorruptionSettings:
    """Which corruptions the classifier meets.

    Args:
        names: corruptions to draw; may be empty.
        folder: published corrupted images (CIFAR-10-C's files) in place of drawn ones.
        baseline: run of another classifier, whose errors give the mCE.
    """

    names: tuple[str, ...]
    folder: Path | None
    baseline: str | None

    @property
    def wanted(self) -> bool:
        """Whether anything is to be measured under corruptions."""
        return bool(self.names) or self.folder is not None


@dataclass(frozen=True)
class AttackSettings:
    """conf/attack.yaml says what each key means.

    Args:
        epsilons: strengths as fractions of the pixel range, rising, each once.
        attack, defence: the sections as plain values, to build from and for the record.
    """

    run: str
    checkpoint: str | int
    epsilons: tuple[float, ...]
    split: str
    count: int | None
    export: tuple[str, ...]
    seed: int
    batch_size: int
    rows: int | None
    probe: int
    corruptions: CorruptionSettings
    device: torch.device
    cache_dir: str
    attack: dict[str, Any]
    defence: dict[str, Any]

    @classmethod
    def of(cls, config: DictConfig) -> "AttackSettings":
        """The settings of a run of `attack.py`.

        Raises:
            ConfigError: a strength, count, split, corruption or device that there is not.
        """
        check_at_least_one(
            count=1 if config.count is None else config.count, batch_size=config.batch_size, rows=config.rows or 1
        )
        if config.split not in SPLITS:
            raise ConfigError(f"split={config.split} is none of {', '.join(SPLITS)}; give one of them.")
        folder = None if config.corruption_files is None else Path(config.corruption_files).expanduser()
        baseline = None if config.baseline is None else str(config.baseline)
        return cls(
            run=str(config.run), checkpoint=config.checkpoint, epsilons=tuple(strengths(config.epsilon)),
            split=config.split, count=config.count, export=tuple(config.export), seed=config.seed,
            batch_size=config.batch_size, rows=config.rows, probe=config.probe,
            corruptions=CorruptionSettings(tuple(corruption_names(config.corruptions)), folder, baseline),
            device=device_named(config.device), cache_dir=config.paths.cache_dir,
            attack=plain(config.attack), defence=plain(config.defence),
        )  # fmt: skip


def strengths(given: Any) -> list[float]:
    """One epsilon or a list of them, as fractions of the pixel range, rising, each once.

    Raises:
        ConfigError: none is given, or one is not in (0, 1].
    """
    several = _listed(given)
    if not several:
        raise ConfigError("epsilon=[] names no strength; give one or more, such as epsilon=[8/255,0.1].")
    return sorted({pixel_fraction(each) for each in several})


def corruption_names(given: Any) -> list[str]:
    """`all`, one name, or some.

    Raises:
        ConfigError: a name that does not exist.
    """
    several = _listed(given)
    names = list(CORRUPTIONS) if several == ["all"] else [str(each) for each in several]
    unknown = [name for name in names if name not in CORRUPTIONS]
    if unknown:
        raise ConfigError(f"corruption {unknown[0]} is unknown; give all, or some of {', '.join(CORRUPTIONS)}.")
    return names


def _listed(given: Any) -> Sequence[Any]:
    return list(given) if isinstance(given, ListConfig | list | tuple) else [given]
