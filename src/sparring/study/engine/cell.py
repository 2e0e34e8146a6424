"""The unit of a study's work: one call of one stage, and the seeds that a paired replicate draws."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from sparring.core.randomness import seed_of

# A setting `cell:<name>` stands for the run directory of that cell, `cell:<name>/x.png` for a file in it.
REFERENCE = "cell:"
Tag = str | int | float
_NAME = re.compile(r"\w[\w.+-]*(/\w[\w.+-]*)*")
_SEEDS = 2**31  # reduced, so that a seed can be read and typed


@dataclass(frozen=True)
class Cell:
    """One call of a stage, in the folder `cells/<name>` of the study.

    Cells that several arms share have one name and run once.

    Args:
        name: path of the cell's run directory below `cells`, such as "labels5/r0/gan".
        verb: the stage: "train", "generate", "evaluate", "attack", "explain" or "enhance".
        overrides: as on the verb's command line. `run=cell:r0/gan` gives it the run directory of another cell, which then runs
            first; for `verb="train"` the data set and the study's `train` overrides are put in front of them.
        tags: what `Results` selects the cell by, for example {"arm": "gan", "replicate": 0, "labels": 50}.
        data_section: section of its configuration that holds the study's data set, to which settings typed for it
            (`data.image_size=8`) are applied; None: `data`, for a training that does not choose its own data.
        continues: name of the cell whose training this one goes on with, to a larger budget; empty: it starts anew.
        keeps_state: whether its last checkpoint stays, for a cell that goes on from it.

    Raises:
        ValueError: `name` cannot be a path.
    """

    name: str
    verb: str
    overrides: tuple[str, ...]
    tags: Mapping[str, Tag] = field(default_factory=dict)
    data_section: str | None = None
    continues: str = ""
    keeps_state: bool = False

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"{self.name!r} is no name of a cell: letters, digits and _ . + - with / between parts")


@dataclass(frozen=True)
class Seeds:
    """What one paired replicate draws; all arms of the replicate share it.

    Args:
        split: which images are val and, where the data set has no test split of its own, test.
        subset: which images are labelled.
        gan: weights and noise of the generator.
        pool: which images the generator draws.
        classifier: weights and batches of the classifier.
    """

    split: int
    subset: int
    gan: int
    pool: int
    classifier: int

    @classmethod
    def of(cls, study_seed: int, replicate: int) -> "Seeds":
        """The five seeds of a replicate, each in [0, 2^31)."""
        purposes = ("split", "subset", "gan", "pool", "classifier")
        return cls(**{purpose: seed_of("study", study_seed, replicate, purpose) % _SEEDS for purpose in purposes})
