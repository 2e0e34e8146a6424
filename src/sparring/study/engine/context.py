"""What all cells of a study share, read once from the configuration of the study."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from omegaconf import DictConfig

from sparring.config.build import Builder
from sparring.config.plain import plain
from sparring.core.errors import ConfigError


@dataclass(frozen=True)
class StudyContext:
    """Plain values on which every cell depends, in addition to the study's own arguments.

    Args:
        dataset: choice of the config group `data`, such as "digits".
        data: the resolved settings of that data set, including what the user changed.
        train: overrides for every training of the study.
        paths: absolute folders by their key in the section `paths`: caches, logs, ...
        seed: seed of the whole study.
        split_seed: of the data, the same for all replicates; None: each replicate its own.
        build: what builds the parts that a configuration names.
    """

    dataset: str
    data: Mapping[str, Any]
    train: tuple[str, ...]
    paths: Mapping[str, str]
    seed: int
    split_seed: int | None
    build: Builder

    @classmethod
    def read(cls, config: DictConfig) -> "StudyContext":
        """The context that the whole configuration of a study describes.

        Raises:
            ConfigError: a setting of the data that the study chooses for its cells.
        """
        _refuse_chosen(config)
        return cls(
            dataset=str(config.dataset),
            data=plain(config.data),
            train=tuple(config.train),
            paths=plain(config.paths),
            seed=int(config.seed),
            split_seed=None if config.split_seed is None else int(config.split_seed),
            build=Builder.of(config),
        )

    @property
    def batch_size(self) -> int:
        """Images per batch of a training on all images."""
        return int(self.data["batch_size"])

    @property
    def num_classes(self) -> int:
        """Number of classes of the data set."""
        return int(self.data["num_classes"])

    @property
    def image_size(self) -> int:
        """Height and width of an image in pixels."""
        return int(self.data["image_size"])

    @property
    def flip(self) -> bool:
        """Whether a mirrored image of the data set keeps its class."""
        return bool(self.data["flip"])


def _refuse_chosen(config: DictConfig) -> None:
    """Raise ConfigError for a seed or a place of the study's data, which its cells do not get from there."""
    data, seed = config.data, int(config.seed)
    if data.split_seed:
        raise ConfigError(
            f"data.split_seed={data.split_seed}: the replicates of a study draw their splits themselves; say "
            f"split_seed={data.split_seed} for one split in all of them."
        )
    for name in ("seed", "subset_seed"):
        if data[name] != seed:
            raise ConfigError(
                f"data.{name}={data[name]}: the replicates of a study draw their seeds from its own; say seed={data[name]}."
            )
    if data.cache_dir != config.paths.cache_dir:
        raise ConfigError(
            f"data.cache_dir={data.cache_dir}: all of a study has one cache; say paths.cache_dir={data.cache_dir}."
        )
