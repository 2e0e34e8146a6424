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
        """The context that the whole configuration of a study describes."""
        return cls(
            dataset=str(config.dataset),
            data=plain(config.data),
            train=tuple(config.train),
            paths=plain(config.paths),
            seed=int(config.seed),
            split_seed=_split_seed(config),
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


def _split_seed(config: DictConfig) -> int | None:
    typed = int(config.data.split_seed)
    if typed:
        raise ConfigError(
            f"data.split_seed={typed}: the replicates of a study draw their splits themselves; say split_seed={typed} for one"
            " split in all of them."
        )
    return None if config.split_seed is None else int(config.split_seed)
