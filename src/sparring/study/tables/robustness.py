"""Classifiers evaluated by attack.py: accuracy, robustness and calibration, read, compared and put into tables."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sparring.core.errors import ConfigError
from sparring.core.settings import epsilon_text
from sparring.corruption.score import mean_corruption_error
from sparring.study.engine.cell import Tag
from sparring.study.engine.results import CellResult, Results
from sparring.study.stats.families import judged
from sparring.study.stats.verdict import Comparison, Verdict, compare
from sparring.study.tables.analysis import Plot, Table
from sparring.study.tables.plots import NOTE, mean_line
from sparring.study.tables.text import DASH, mean_std

Read = Callable[[CellResult], float]

# -- one evaluation, in % ----------------------------------------------------------------------------------------------------


def clean_accuracy(each: CellResult) -> float:
    """Accuracy without an attack."""
    return 100 * float(each.get("clean", "accuracy"))


def calibration_error(each: CellResult) -> float:
    """Expected calibration error without an attack."""
    return 100 * float(each.get("clean", "ece"))


def corrupted_accuracy(each: CellResult) -> float:
    """Accuracy, mean over corruptions and severities."""
    return 100 * float(each.get("corruptions", "mean_accuracy"))


def corrupted_calibration_error(each: CellResult) -> float:
    """Expected calibration error, mean over corruptions and severities."""
    return 100 * float(each.get("corruptions", "mean_ece"))


def attack_record(each: CellResult, attack: str, epsilon: float) -> Mapping[str, float]:
    """The entry of result.json for an attack at a strength.

    Raises:
        ConfigError: the cell has no such attack, or not at this strength.
    """
    records: list[Mapping[str, float]] = each.get("attacks", attack)
    for record in records:
        if math.isclose(record["epsilon"], epsilon, rel_tol=1e-6):
            return record
    raise ConfigError(f"{each.run}/result.json has {attack} at other strengths than epsilon {epsilon_text(epsilon)}.")


def robust_accuracy(attack: str, epsilon: float) -> Read:
    """Reads the accuracy under an attack: images that are classified correctly before and after it."""
    return lambda each: 100 * attack_record(each, attack, epsilon)["accuracy"]


def success_rate(attack: str, epsilon: float) -> Read:
    """Reads the share of the correctly classified images that an attack turns into errors."""
    return lambda each: 100 * attack_record(each, attack, epsilon)["success_rate"]


# -- over replicates ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class EvaluationMeasure:
    """A number of an evaluation in %, and the tag `part` of the cells that hold it."""

    read: Read
    part: str

    def values(self, results: Results, arm: str) -> list[float]:
        """Of an arm, per replicate; NaN where it failed."""
        return results.read(self.read, arm=arm, part=self.part)


def compare_measures(
    results: Results,
    measures: Mapping[str, EvaluationMeasure],
    pairs: Sequence[tuple[str, str]],
    *,
    primary: tuple[str, str, str],
    smallest_effect: float,
    must: Mapping[tuple[str, str, str], Verdict] | None = None,
) -> dict[str, list[Comparison]]:
    """Comparisons by measure, in the order of `pairs`, corrected as `judged` does.

    Args:
        results: of the study.
        measures: by their names.
        pairs: (arm, baseline).
        primary: (measure, arm, baseline) of the study's verdict.
        smallest_effect: smallest effect of interest, in points.
        must: what positive controls must show, by (measure, arm, baseline).
    """
    musts = must or {}
    keys = [(name, *pair) for name in measures for pair in pairs]
    comparisons = []
    for name, arm, baseline in keys:
        ours, theirs = (measures[name].values(results, each) for each in (arm, baseline))
        cells = results.pairs(*({"arm": each, "part": measures[name].part} for each in (arm, baseline)))
        comparisons.append(
            compare(
                ours, theirs, arm=arm, baseline=baseline, smallest_effect=smallest_effect, measure=name,
                primary=(name, arm, baseline) == primary, must=musts.get((name, arm, baseline)),
                shared_variance=results.training_variance(ours, theirs, cells), levels=results.levels,
            )
        )  # fmt: skip
    by_measure: dict[str, list[Comparison]] = {name: [] for name in measures}
    for (name, *_), comparison in zip(keys, judged(comparisons), strict=True):
        by_measure[name].append(comparison)
    return by_measure


def no_more_robust(plain: Sequence[float], robust: Sequence[float], *, names: tuple[str, str], attack: str) -> str:
    """A warning where adversarial training left a classifier no more robust than training without attacks; else empty.

    Args:
        plain, robust: accuracies under the attack in %, per replicate, NaN where one failed.
        names: of the two classifiers.
        attack: in words.
    """
    pairs = [(ours, theirs) for ours, theirs in zip(plain, robust, strict=True) if not math.isnan(ours + theirs)]
    if not pairs:
        return ""
    ours, theirs = (sum(values) / len(pairs) for values in zip(*pairs, strict=True))
    if theirs > ours:
        return ""
    return (
        f"WARNING: {names[0]}, trained without attacks, keeps {ours:.1f} % under {attack}, and {names[1]}, trained against them, "
        f"{theirs:.1f} %: the attack is too weak or that training failed, so nothing here tells what is robust."
    )


def error_rates(each: CellResult) -> dict[str, list[float]]:
    """Corruption -> error rates at severities 1 to 5, in [0, 1]."""
    table: Mapping[str, list[Mapping[str, float]]] = each.get("corruptions", "table")
    return {name: [1 - record["accuracy"] for record in records] for name, records in table.items()}


def mce_values(results: Results, arm: str, baseline: str, **tags: Tag) -> list[float]:
    """mCE of an arm against another arm of the same replicate; 1.0: as many errors, NaN: either of them failed.

    Corruptions under which the baseline makes no error in some replicate have no mCE and are left out in all of them.
    """
    excluded = error_free(results, baseline, **tags)
    values = []
    for r in range(results.replicates):
        pair = [results.one(replicate=r, arm=name, **tags) for name in (arm, baseline)]
        tables = [
            {k: v for k, v in error_rates(each).items() if k not in excluded} for each in pair if each is not None
        ]
        values.append(mean_corruption_error(*tables) if len(tables) == 2 and tables[0] else math.nan)
    return values


def error_free(results: Results, arm: str, **tags: Tag) -> set[str]:
    """Corruptions under which an arm makes no error at all in some replicate."""
    tables = [error_rates(each) for each in results.find(arm=arm, **tags)]
    return {name for table in tables for name, rates in table.items() if not sum(rates) > 0}


# -- tables and plots --------------------------------------------------------------------------------------------------------


def combined_table(
    results: Results, arms: Sequence[str], *, robust: Mapping[str, EvaluationMeasure], against: str, part: str
) -> Table:
    """Accuracy, robustness and calibration: a row per arm.

    Args:
        results: of the study.
        arms: the rows.
        robust: columns of accuracy under attacks.
        against: the arm that mCE is relative to.
        part: tag of the cells that evaluated clean and corrupted images.
    """
    columns: dict[str, Callable[[Results, str], list[float]]] = {
        "clean accuracy, %": EvaluationMeasure(clean_accuracy, part).values,
        **{name: measure.values for name, measure in robust.items()},
        "under corruptions, %": EvaluationMeasure(corrupted_accuracy, part).values,
        f"mCE against {against}": lambda results, arm: mce_values(results, arm, against, part=part),
        "ECE, %": EvaluationMeasure(calibration_error, part).values,
        "ECE under corruptions, %": EvaluationMeasure(corrupted_calibration_error, part).values,
    }
    rows = tuple((arm, *[mean_std(values(results, arm)) for values in columns.values()]) for arm in arms)
    excluded = sorted(error_free(results, against, part=part))
    without = f" Without {', '.join(excluded)}, where {against} makes no error." if excluded else ""
    return Table(
        "Accurate, robust, calibrated", ("arm", *columns), rows,
        "Mean ± standard deviation over replicates, on test images. Under corruptions: mean over kinds and severities. mCE: mean "
        f"over kinds of the summed error over that of {against} in the same replicate; below 1 is better.{without} ECE: expected "
        "calibration error, 15 bins; smaller is better.",
    )  # fmt: skip


def combined_plots(
    results: Results, arms: Sequence[str], *, robust: Mapping[str, EvaluationMeasure], part: str
) -> list[Plot]:
    """Accuracy and robustness as bars, and calibration; arguments as of `combined_table`."""
    accuracies = {
        "clean": EvaluationMeasure(clean_accuracy, part), **robust,
        "under corruptions": EvaluationMeasure(corrupted_accuracy, part),
    }  # fmt: skip
    errors = {
        "clean": EvaluationMeasure(calibration_error, part),
        "under corruptions": EvaluationMeasure(corrupted_calibration_error, part),
    }
    plots = []
    for title, unit, measures in (
        ("Accuracy, clean and robust", "test accuracy, %", accuracies),
        ("Calibration", "expected calibration error, %", errors),
    ):
        lines = [
            mean_line(name.removesuffix(", %"), [measure.values(results, arm) for arm in arms])
            for name, measure in measures.items()
        ]
        plots.append(Plot(title, "", unit, tuple(arms), tuple(lines), note=NOTE))
    return plots


def flags_table(results: Results, classifiers: Mapping[str, Mapping[str, Tag]]) -> Table:
    """Warnings of attack.py by classifier. classifiers: name -> tags of its attack cells, over replicates."""
    rows = []
    for name, tags in classifiers.items():
        counts: dict[str, int] = {}
        for each in results.find(**tags):
            for sentence in each.get("flags"):
                counts[sentence] = counts.get(sentence, 0) + 1
        rows += [(name, sentence, str(count)) for sentence, count in counts.items()] or [(name, "none", DASH)]
    return Table(
        "Signs of attacks that are weaker than they look", ("classifier", "sign", "replicates"), tuple(rows),
        "Random output, zero gradients, a black-box attack that beats gradients, more steps that do not help, images that "
        "withstand epsilon 1: with such a sign, the robust accuracy under gradient attacks is not to be trusted.",
    )  # fmt: skip
