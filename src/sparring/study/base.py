"""Base of every study: what it declares, and how its conclusion is reached."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar

from sparring.core.errors import ConfigError
from sparring.core.wording import listing, near
from sparring.study.engine.cell import Cell, Seeds
from sparring.study.engine.context import StudyContext
from sparring.study.engine.results import Results
from sparring.study.stats.levels import LOOKS
from sparring.study.stats.statistics import MAX_REPLICATES
from sparring.study.tables.analysis import Analysis

AUTO = "auto"  # choice of study.replicates


class Study(ABC):
    """A question, the cells that answer it, and how their results are read.

    `conf/study/<name>.yaml` builds `sparring.study.<name>.<Name>`. Nothing here trains: a cell is a call of another stage.
    """

    question: ClassVar[str]  # one sentence, for a reader who does not know the code
    divergence_is_a_result: ClassVar[bool] = False  # of a training; in other studies it is a failure

    def __init__(self, *, replicates: int | str, seed: int, smallest_effect: float) -> None:
        """
        Args:
            replicates: paired draws of everything random; 6 or more for a verdict; "auto": added at planned looks until the
                primary comparison is decided.
            seed: of the whole study.
            smallest_effect: smallest effect of interest, in points: a difference below it would change nothing.

        Raises:
            ConfigError: fewer than 2 or more than MAX_REPLICATES replicates, or no effect above 0.
        """
        self.adaptive = replicates == AUTO
        if self.adaptive:
            replicates = LOOKS[0]
        if isinstance(replicates, str) or not 2 <= replicates <= MAX_REPLICATES:
            raise ConfigError(
                f"study.replicates={replicates} must be auto or from 2 to {MAX_REPLICATES}: one has no standard deviation, and "
                "the exact test counts all 2^n sign patterns."
            )
        if not smallest_effect > 0:
            raise ConfigError(
                f"study.smallest_effect={smallest_effect} must be above 0: no number of replicates shows that a difference"
                " is exactly zero, so name the smallest one that would matter to you, in points."
            )
        self.replicates, self.seed, self.smallest_effect = replicates, seed, smallest_effect

    def seeds(self, replicate: int) -> Seeds:
        """What replicate 0, 1, ... draws."""
        return Seeds.of(self.seed, replicate)

    @abstractmethod
    def cells(self, context: StudyContext) -> list[Cell]:
        """Everything that is to run, for the data set and seeds of `context`.

        Raises:
            ConfigError: the settings do not fit each other or the data.
        """

    def more(self, results: Results) -> bool:
        """Whether further cells follow from the results so far: `cells` is then called again and lists them, too.

        A study that goes on after a stop comes to the same ones, from the same results.
        """
        return False

    @abstractmethod
    def analyse(self, results: Results) -> Analysis:
        """Read the results; called once all cells have ended, whether or not some failed."""


class ArmStudy(Study):
    """A study that compares ways to train a classifier (arms) with one of them (the baseline)."""

    ARMS: ClassVar[Mapping[str, str]]  # every arm there is, and what it does in words

    def __init__(self, *, arms: Sequence[str], baseline: str, primary: str, replicates: int | str, seed: int,
                 smallest_effect: float) -> None:  # fmt: skip
        """
        Args:
            arms: those to run.
            baseline: the arm that the others are compared with.
            primary: the arm that the verdict is about.
            replicates: see `Study`.
            seed: see `Study`.
            smallest_effect: see `Study`.

        Raises:
            ConfigError: as `Study`; an arm does not exist, or baseline or primary are not among the arms.
        """
        super().__init__(replicates=replicates, seed=seed, smallest_effect=smallest_effect)
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
        self.arms, self.baseline, self.primary = list(arms), baseline, primary

    @property
    def others(self) -> list[str]:
        """The arms without the baseline."""
        return [arm for arm in self.arms if arm != self.baseline]


def check_fraction(fraction: float) -> float:
    """`study.fraction`, the share of each batch that is replaced.

    Raises:
        ConfigError: not between 0 and 1.
    """
    if not 0 < fraction < 1:
        raise ConfigError(f"study.fraction={fraction} must be between 0 and 1.")
    return fraction


def check_counts(**counts: int) -> None:
    """Raise ConfigError, naming the setting of the study, unless all counts are at least 1."""
    for name, count in counts.items():
        if count < 1:
            raise ConfigError(f"study.{name}={count} must be at least 1.")
