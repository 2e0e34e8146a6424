"""The unit of a study's work: one call of one stage, and the seeds that a paired replicate draws."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from sparring.core.randomness import seed_of

REFERENCE = (
    "cell:"  # a setting `cell:<name>` stands for the run directory of that cell, `cell:<name>/x.png` for a file in it
)
_NAME = re.compile(r"\w[\w.+-]*(/\w[\w.+-]*)*")
_SEEDS = 2**31  # reduced, so that a seed can be read and typed


@dataclass(frozen=True)
class Cell:
    """One call of `sparring.stage.<verb>`, in the folder `cells/<name>` of the study.

    overrides: as on the verb's command line. `run=cell:r0/gan` gives it the run directory of another cell, which is then run
        first; for `verb="train"` the data set and the study's `train` overrides are put in front of them.
    tags: what `Results` finds the cell by, for example {"arm": "gan", "replicate": 0, "labels": 50}.
    data_at: where in its configuration the study's data set stands, so that settings typed for it (`data.image_size=8`) reach it;
        None: in `data`, for a training that does not choose its own data.

    Cells that several arms share have one name and are run once.
    """

    name: str
    verb: str
    overrides: tuple[str, ...]
    tags: Mapping[str, str | int | float] = field(default_factory=dict)
    data_at: str | None = None

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"{self.name!r} is no name of a cell: letters, digits and _ . + - with / between parts")


@dataclass(frozen=True)
class Seeds:
    """What one paired replicate draws; all arms of the replicate share it.

    subset: which images are labelled. gan: weights and noise of the generator. pool: which images it makes.
    classifier: weights and batches of the classifier.
    """

    subset: int
    gan: int
    pool: int
    classifier: int

    @classmethod
    def of(cls, study_seed: int, replicate: int) -> "Seeds":
        """The four seeds of a replicate, in [0, 2^31)."""
        purposes = ("subset", "gan", "pool", "classifier")
        return cls(**{purpose: seed_of("study", study_seed, replicate, purpose) % _SEEDS for purpose in purposes})
