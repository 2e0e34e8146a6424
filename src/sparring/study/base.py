"""Base of every study: what it declares, and how its answer is put together."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar

from omegaconf import DictConfig

from sparring.core.errors import ConfigError
from sparring.core.wording import listing, near
from sparring.study.engine.cell import Cell, Seeds
from sparring.study.engine.results import Results
from sparring.study.stats.statistics import MOST_FLIPPED
from sparring.study.tables.analysis import Analysis


class Study(ABC):
    """A question, the cells that answer it, and how their results are read.

    `conf/study/<name>.yaml` builds `sparring.study.<name>.<Name>`. Nothing here trains: a cell is a call of another stage.
    """

    question: ClassVar[str]  # one sentence, for a reader who knows nothing of the code

    def __init__(self, *, replicates: int, seed: int) -> None:
        """replicates: paired draws of everything random; 6 or more for a verdict. seed: of the whole study.

        Raises:
            ConfigError: fewer than 2 or more than MOST_FLIPPED replicates.
        """
        if not 2 <= replicates <= MOST_FLIPPED:
            raise ConfigError(
                f"study.replicates={replicates} must be from 2 to {MOST_FLIPPED}: one has no spread, and the exact "
                "test lists all 2^n sign patterns."
            )
        self.replicates, self.seed = replicates, seed

    def seeds(self, replicate: int) -> Seeds:
        """What replicate 0, 1, ... draws."""
        return Seeds.of(self.seed, replicate)

    @abstractmethod
    def cells(self, config: DictConfig) -> list[Cell]:
        """Everything that is to run. `config` is the whole configuration of the study: `config.data`, `config.dataset`, ...

        Raises:
            ConfigError: the settings do not fit each other or the data.
        """

    @abstractmethod
    def analyse(self, results: Results) -> Analysis:
        """Read the results; called once all cells have ended, whether or not some failed."""


def check_effect(smallest_effect: float) -> None:
    """Raise ConfigError unless the smallest difference that would matter is one."""
    if not smallest_effect > 0:
        raise ConfigError(f"study.smallest_effect={smallest_effect} must be above 0 points.")


class ArmStudy(Study):
    """A study that holds ways to train a classifier (arms) against one of them (the baseline)."""

    ARMS: ClassVar[Mapping[str, str]]  # every arm there is and what it does, in words

    def __init__(
        self, *, replicates: int, seed: int, arms: Sequence[str], baseline: str, primary: str, smallest_effect: float
    ) -> None:
        """arms: those to run. baseline: what the others are held against. primary: the arm that the verdict is about.

        smallest_effect: the smallest difference that would matter to anyone, in points; decides UNDERPOWERED.

        Raises:
            ConfigError: an arm does not exist, or baseline or primary are not among the arms.
        """
        super().__init__(replicates=replicates, seed=seed)
        for arm in arms:
            if arm not in self.ARMS:
                raise ConfigError(f"study.arms has no '{arm}'{near(arm, self.ARMS)} (there are {listing(self.ARMS)})")
        if len(set(arms)) < len(arms):
            raise ConfigError(f"study.arms={list(arms)} names an arm twice.")
        for key, arm in (("baseline", baseline), ("primary", primary)):
            if arm not in arms:
                raise ConfigError(f"study.{key}={arm} must be one of study.arms={list(arms)}.")
        if primary == baseline:
            raise ConfigError(f"study.primary={primary} is the baseline itself; choose another arm.")
        check_effect(smallest_effect)
        self.arms, self.baseline, self.primary = list(arms), baseline, primary
        self.smallest_effect = smallest_effect
