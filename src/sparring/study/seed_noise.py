"""`study=seed_noise`: how much the seed alone changes a classifier, and so which differences a study of n replicates can detect.

Two arms that are the same but for the classifier's seed. Whatever the engine and the statistics say of them is noise: a verdict
of HELPS or HURTS here should occur in one study of twenty.
"""

import math
from typing import Any, ClassVar

import numpy as np

from sparring.core.randomness import seed_of
from sparring.study.base import Study
from sparring.study.cells.recipes import classifier_cell
from sparring.study.cells.subset import check_label_counts, label_counts, labelled_subset
from sparring.study.engine.cell import Cell
from sparring.study.engine.context import StudyContext
from sparring.study.engine.results import TEST_ACCURACY, Results
from sparring.study.stats import statistics
from sparring.study.stats.families import judged
from sparring.study.stats.verdict import Comparison
from sparring.study.tables.analysis import Analysis, Table
from sparring.study.tables.comparisons import comparison_table, conclusion
from sparring.study.tables.plots import ACCURACY_LABEL, labels_plot
from sparring.study.tables.text import number

PLANNED = (3, 6, 10, 20)  # replicates for which the detectable effect is shown


class SeedNoise(Study):
    """A classifier on few labels, twice per replicate: same images, two seeds."""

    question = "How much does the seed alone change the accuracy of a classifier?"
    ARMS: ClassVar[dict[str, str]] = {"first": "a training", "again": "the same training with another seed"}

    def __init__(self, *, labels_per_class: list[int], steps: int, **common: Any) -> None:
        """
        Args:
            labels_per_class: the settings; the first one is primary.
            steps: of each training.
            common: see `Study`.

        Raises:
            ConfigError: as `Study`; no label count, or one twice.
        """
        super().__init__(**common)
        self.labels, _ = label_counts(labels_per_class, None)
        self.steps = steps

    def cells(self, context: StudyContext) -> list[Cell]:
        check_label_counts(context, self.labels)
        return [
            classifier_cell(
                f"labels{labels}/r{replicate}_{arm}",
                labelled_subset(context, labels, self.seeds(replicate)),
                steps=self.steps,
                seed=self._seed_of(replicate, arm),
                tags={"labels": labels, "replicate": replicate, "arm": arm},
            )
            for labels in self.labels
            for replicate in range(self.replicates)
            for arm in self.ARMS
        ]

    def _seed_of(self, replicate: int, arm: str) -> int:
        return seed_of("seed_noise", self.seeds(replicate).classifier, arm) % 2**31

    def analyse(self, results: Results) -> Analysis:
        comparisons = judged([self._compare(results, labels) for labels in self.labels])
        primary = comparisons[0]
        verdict = conclusion(
            primary, arm="training again with another seed", baseline="the first training", unit="points",
            replicates=self.replicates,
        )  # fmt: skip
        accuracy = comparison_table(
            comparisons, title="Two trainings that differ in nothing but the seed", unit="points", metric=ACCURACY_LABEL,
            where="setting",
        )  # fmt: skip
        seed_std = number(primary.delta_std / math.sqrt(2))
        return Analysis(
            question=self.question,
            conclusion=f"{verdict} The seed alone changes the accuracy by {seed_std} points (standard deviation).",
            verdict=primary.verdict,
            comparisons=comparisons,
            tables=[accuracy, self._noise(results, comparisons)],
            plots=[labels_plot(results, list(self.ARMS), self.labels)] if len(self.labels) > 1 else [],
            limits=["The numbers hold for this classifier, this data set and this number of steps."],
        )

    def _compare(self, results: Results, labels: int) -> Comparison:
        return results.compare(
            *TEST_ACCURACY, arm="again", baseline="first", scale=100, labels=labels, where=f"{labels} labels per class",
            smallest_effect=self.smallest_effect, primary=labels == self.labels[0],
        )  # fmt: skip

    def _noise(self, results: Results, comparisons: list[Comparison]) -> Table:
        """Sources of the variance, and what follows for other studies."""
        rows = []
        for labels, comparison in zip(self.labels, comparisons, strict=True):
            seed, total = comparison.delta_std / math.sqrt(2), comparison.std
            subset = math.sqrt(max(0.0, total**2 - seed**2))
            noise = [number(value) for value in (seed, subset, self._test_noise(results, labels))]
            detectable = [number(statistics.detectable_effect(comparison.delta_std, n)) for n in PLANNED]
            rows.append((str(labels), *noise, *detectable))
        head = ("labels per class", "seed", "label subset", "test images")
        return Table(
            "Noise in points, and the difference between two arms that n replicates detect",
            (*head, *[f"n = {n}" for n in PLANNED]), tuple(rows),
            "Seed and label subset: standard deviations over replicates. Test images: binomial, of one model; it is the same for "
            "both arms of a pair and mostly cancels. Detected: in 80 % of studies, if the arms differ as noisily as these two.",
        )  # fmt: skip

    def _test_noise(self, results: Results, labels: int) -> float:
        """Binomial standard deviation of the test accuracy, in points."""
        cells = results.find(labels=labels)
        if not cells:
            return math.nan
        p = np.mean([each.get(*TEST_ACCURACY) for each in cells])
        images = cells[0].get("classification", "test", "images")
        return float(100 * math.sqrt(p * (1 - p) / images))
