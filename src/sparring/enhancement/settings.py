"""What `enhance.py` reads from its configuration, once, as plain values."""

from dataclasses import dataclass
from pathlib import Path

import torch
from omegaconf import DictConfig

from sparring.core.errors import ConfigError
from sparring.core.settings import at_least_one, check_at_least_one, device_named

SPLITS = ("train", "val", "test")


@dataclass(frozen=True)
class EnhanceSettings:
    """conf/enhance.yaml says what each key means."""

    run: str
    checkpoint: str | int
    images: Path | None
    beside: tuple[str, ...]
    classifier: str | None
    split: str
    count: int | None
    formats: tuple[str, ...]
    pictured: int
    tile: int
    seed: int
    device: torch.device
    cache_dir: str

    @classmethod
    def of(cls, config: DictConfig) -> "EnhanceSettings":
        """The settings of a run of `enhance.py`.

        Raises:
            ConfigError: a split, count, tile or device that there is not, or settings that exclude each other.
        """
        check_at_least_one(count=1 if config.count is None else config.count, pictured=config.pictured)
        at_least_one(tile=config.tile)
        if config.split not in SPLITS:
            raise ConfigError(f"split={config.split} is none of {', '.join(SPLITS)}; give one of them.")
        if config.images is not None and (config.beside or config.classifier is not None):
            key = "beside" if config.beside else "classifier"
            raise ConfigError(
                f"{key}= compares with the originals, which images={config.images} does not have; leave one of the two out."
            )
        images = None if config.images is None else Path(config.images).expanduser()
        classifier = None if config.classifier is None else str(config.classifier)
        return cls(
            run=str(config.run), checkpoint=config.checkpoint, images=images, beside=tuple(map(str, config.beside)),
            classifier=classifier, split=config.split, count=config.count, formats=tuple(config.format),
            pictured=config.pictured, tile=config.tile, seed=config.seed, device=device_named(config.device),
            cache_dir=config.paths.cache_dir,
        )  # fmt: skip
