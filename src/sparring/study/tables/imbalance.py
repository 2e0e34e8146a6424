"""Measures and tables of `study=imbalance`."""

from collections.abc import Callable, Mapping, Sequence

import torch

from sparring.metric.classification import balanced_accuracy, macro_f1, per_class
from sparring.study.engine.results import TEST_ACCURACY, CellResult, Results
from sparring.study.stats import statistics
from sparring.study.tables.analysis import Table
from sparring.study.tables.plots import class_names

# Measure -> axis label; all are computed from the confusion matrix on test.
MEASURES = {
    "balanced accuracy": "mean recall over classes, %",
    "rare recall": "mean recall over the rare classes, %",
    "macro F1": "mean F1 over classes, %",
    "accuracy": "test accuracy, %",
}


def heading(measure: str) -> str:
    """A measure with a capital."""
    return f"{measure[0].upper()}{measure[1:]}"


def measure_reader(measure: str, *, rare: int) -> Callable[[CellResult], float]:
    """Reads a measure, in %, from a classifier's result. rare: how many of the last, smallest classes are rare."""

    def read(each: CellResult) -> float:
        confusion = torch.tensor(each.get("classification", "test", "confusion"))
        if measure == "macro F1":
            return 100 * macro_f1(confusion)
        if measure == "rare recall":
            recalls = [value for value in per_class(confusion)[-rare:] if value is not None]
            return 100 * statistics.mean(recalls)
        if measure == "balanced accuracy":
            return 100 * balanced_accuracy(confusion)
        return 100 * float(each.get(*TEST_ACCURACY))

    return read


def sizes_table(results: Results, sizes: Mapping[float, Sequence[int]], *, baseline: str, rare: int) -> Table:
    """Training images of each class by imbalance ratio; `baseline` is an arm whose runs name the classes."""
    names = class_names(results, arm=baseline)
    rows = [(f"{ratio:g}", *map(str, counts)) for ratio, counts in sizes.items()] if names else []
    return Table("Training images of each class", ("ratio", *names), tuple(rows), f"The last {rare} are called rare.")
