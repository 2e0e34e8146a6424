"""What is said of recipes between which val decided, see `study.cells.candidates`."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from sparring.study.engine.cell import Tag
from sparring.study.engine.results import TEST_ACCURACY, VAL_ACCURACY, CellResult, Results
from sparring.study.tables.analysis import Table
from sparring.study.tables.text import mean_std


def val_accuracy(each: CellResult) -> float:
    """Accuracy on val at the end of a classifier's training, in %; what candidates are chosen by."""
    return 100 * float(each.get(*VAL_ACCURACY))


@dataclass(frozen=True)
class Column:
    """A measure of the candidates: its heading, and the tag `part` of the cells that `read` takes it from, in %."""

    heading: str
    read: Callable[[CellResult], float]
    part: str | None = None

    def text(self, results: Results, tags: Mapping[str, Tag]) -> str:
        """Mean and standard deviation over replicates."""
        where = dict(tags) if self.part is None else {**tags, "part": self.part}
        return mean_std(results.read(self.read, **where))


VAL = Column("val accuracy, %", val_accuracy)
TEST = Column("test accuracy, %", lambda each: 100 * float(each.get(*TEST_ACCURACY)))


def choices_table(
    results: Results, choices: Sequence[str], arms: Sequence[str], settings: Mapping[str, Mapping[str, Tag]], *,
    val: Column = VAL, test: Column = TEST,
) -> list[Table]:  # fmt: skip
    """How good each candidate was on val and test, and how often it was chosen; no table where there is nothing to choose.

    Args:
        results: of the study, before a choice.
        choices: names of the candidates.
        arms: those that have candidates.
        settings: setting in words -> tags of its cells; a column, unless "" is the only one.
        val: what was chosen by.
        test: what decides nothing.
    """
    if len(choices) < 2 or not arms:
        return []
    after = results.chosen(val.read, part=val.part)
    own: dict[str, Tag] = {} if val.part is None else {"part": val.part}
    head, rows = ["arm", "the GAN is trained with", val.heading, test.heading, "chosen"], []
    for where, tags in settings.items():
        for arm in arms:
            for choice in choices:
                cells: dict[str, Tag] = {"arm": arm, "candidate": choice, **tags}
                count = len(after.find(**cells, **own))
                row = (arm, choice, val.text(results, cells), test.text(results, cells), str(count))
                rows.append((where, *row) if where else row)
    if any(settings):
        head.insert(0, "setting")
    note = (
        "Mean ± standard deviation over replicates. In each replicate the candidate whose classifier is the best on val stands "
        "for its arm, the first of equals; val has labels that no arm trains on. What is measured on test decides nothing here."
    )
    return [Table("What the generated arms were chosen from", tuple(head), tuple(rows), note)]


def choice_limits(choices: Collection[str]) -> list[str]:
    """How the GAN's recipe came about, for the limits of a study's page."""
    if len(choices) < 2:
        return ["The GAN's recipe and the augmentation are as given and were not tuned within the study."]
    return [
        f"What the GAN is trained with is chosen on val in each replicate, among {len(choices)}; val has labels that no arm "
        "trains on. The rest of its recipe and the augmentation are as given and were not tuned within the study.",
        f"Each generated arm is the best of {len(choices)} classifiers on val, and the baseline is one: a part of a gain may "
        "come from the choice, which a study with one entry in study.gan_choices does not make.",
    ]
