"""Recipes between which val decides: each trains a generator, draws a pool and trains the arm's classifier.

A GAN of few images fails or not by small choices. The generated arm gets a declared set of them, made once for each replicate
without a look at test; the computing time of all of them is the arm's, and stands beside the result.
"""

from collections.abc import Mapping, Sequence

from sparring.core.errors import ConfigError
from sparring.study.engine.cell import Tag
from sparring.study.engine.results import TEST_ACCURACY, VAL_ACCURACY, CellResult, Results
from sparring.study.tables.analysis import Table
from sparring.study.tables.text import mean_std

AUGMENTED = "baseline"  # in the place of overrides: the baseline's own augmentation of the real images
Choices = Mapping[str, Sequence[str] | str | None]


def check_choices(choices: Choices) -> dict[str, list[str] | None]:
    """`study.gan_choices`: name -> overrides beside those of `study.gan`; None: the augmentation of the baseline.

    Raises:
        ConfigError: none, a name that cannot be a folder, or a text other than AUGMENTED.
    """
    if not choices:
        raise ConfigError("study.gan_choices={} must hold at least one choice, such as {plain: []}.")
    checked: dict[str, list[str] | None] = {}
    for name, overrides in choices.items():
        if not str(name).isidentifier():
            raise ConfigError(f"study.gan_choices has {name!r}: name a choice by letters, digits and _.")
        if overrides is None or (isinstance(overrides, str) and overrides != AUGMENTED):
            raise ConfigError(
                f"study.gan_choices.{name}={overrides} must be a list of overrides, such as [model/augment=diffaugment], or "
                f"{AUGMENTED}: the augmentation of the real images in the baseline."
            )
        checked[str(name)] = None if isinstance(overrides, str) else list(overrides)
    return checked


def val_accuracy(each: CellResult) -> float:
    """Accuracy on val at the end of a classifier's training, 0 to 1; what candidates are chosen by."""
    return float(each.get(*VAL_ACCURACY))


def choices_table(
    results: Results, choices: Sequence[str], arms: Sequence[str], settings: Mapping[str, Mapping[str, Tag]]
) -> list[Table]:
    """How good each candidate was on val and test, and how often it was chosen; no table where there is nothing to choose.

    Args:
        results: of the study, before a choice.
        choices: names of the candidates.
        arms: those that have candidates.
        settings: setting in words -> tags of its cells.
    """
    if len(choices) < 2:
        return []
    after, rows = results.chosen(val_accuracy), []
    for where, tags in settings.items():
        for arm in arms:
            for choice in choices:
                cells: dict[str, Tag] = {"arm": arm, "candidate": choice, **tags}
                val = results.values(*VAL_ACCURACY, scale=100, **cells)
                test = results.values(*TEST_ACCURACY, scale=100, **cells)
                rows.append((where, arm, choice, mean_std(val), mean_std(test), str(len(after.find(**cells)))))
    head = ("setting", "arm", "the GAN is trained with", "val accuracy, %", "test accuracy, %", "chosen")
    note = (
        "Mean ± standard deviation over replicates. In each replicate the candidate whose classifier is the best on val stands "
        "for its arm, the first of equals; val has labels that no arm trains on. Test accuracy decides nothing here."
    )
    return [Table("What the generated arms were chosen from", head, tuple(rows), note)]


def choice_limit(choices: Choices) -> str:
    """How the GAN's recipe came about, for the limits of a study's page."""
    if len(choices) < 2:
        return "The GAN's recipe and the augmentation are as given and were not tuned within the study."
    return (
        f"What the GAN is trained with is chosen on val in each replicate, among {len(choices)}; val has labels that no arm "
        "trains on. The rest of its recipe and the augmentation are as given and were not tuned within the study."
    )
