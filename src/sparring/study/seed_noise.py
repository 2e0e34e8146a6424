"""`study=seed_noise`: how far luck alone moves a classifier, and so which differences a study of n replicates can see.

Two arms that are the same but for the classifier's seed. Whatever the engine and the statistics say of them is noise: a verdict
of HELPS or HURTS here should come up in one study of twenty.
"""

import math
from typing import ClassVar

import numpy as np
from omegaconf import DictConfig

from sparring.core.randomness import seed_of
from sparring.study.base import Study, check_effect
from sparring.study.cells.recipes import check_labels, label_counts, labelled, training
from sparring.study.engine.cell import Cell
from sparring.study.engine.results import Results
from sparring.study.stats.statistics import detectable_effect
from sparring.study.stats.verdict import Comparison, corrected
from sparring.study.tables.analysis import Analysis, Plot, Table, answer, comparison_table, number
from sparring.study.tables.curve import mean_line

ACCURACY = ("metrics", "test/accuracy", "value")
PLANNED = (3, 6, 10, 20)  # replicates for which the detectable effect is told


class SeedNoise(Study):
    """A classifier on few labels, twice per replicate: same images, two seeds."""

    question = "How far does luck alone move the accuracy of a classifier?"
    ARMS: ClassVar[dict[str, str]] = {"first": "a training", "again": "the same training with another seed"}

    def __init__(
        self, *, replicates: int, seed: int, labels_per_class: list[int], steps: int, smallest_effect: float
    ) -> None:
        """labels_per_class: the settings, the first one is primary. steps: of each training.

        Raises:
            ConfigError: no label count, or one twice; no effect above 0.
        """
        super().__init__(replicates=replicates, seed=seed)
        check_effect(smallest_effect)
        self.labels, _ = label_counts(labels_per_class, None)
        self.steps, self.smallest_effect = steps, smallest_effect

    def cells(self, config: DictConfig) -> list[Cell]:
        check_labels(config, self.labels, beyond=False)
        return [
            Cell(
                name=f"labels{labels}/r{replicate}_{arm}",
                verb="train",
                overrides=(
                    "model=classifier",
                    *labelled(config, labels, self.seeds(replicate)),
                    *training(steps=self.steps, seed=self._seed_of(replicate, arm)),
                ),
                tags={"labels": labels, "replicate": replicate, "arm": arm},
            )
            for labels in self.labels
            for replicate in range(self.replicates)
            for arm in self.ARMS
        ]

    def _seed_of(self, replicate: int, arm: str) -> int:
        return seed_of("seed_noise", self.seeds(replicate).classifier, arm) % 2**31

    def analyse(self, results: Results) -> Analysis:
        comparisons = corrected([self._compared(results, labels) for labels in self.labels])
        primary = comparisons[0]
        said = answer(
            primary, what="training again with another seed", baseline="the first training", unit="points",
            replicates=self.replicates,
        )  # fmt: skip
        accuracy = comparison_table(
            comparisons, title="Two trainings that differ in nothing but the seed", unit="points",
            metric="test accuracy, %", where="setting",
        )  # fmt: skip
        return Analysis(
            question=self.question,
            answer=f"{said} One seed moves the accuracy by {number(primary.sd / math.sqrt(2))} points (standard deviation).",
            verdict=primary.verdict,
            comparisons=comparisons,
            tables=[accuracy, self._noise(results, comparisons)],
            plots=[self._curve(results)] if len(self.labels) > 1 else [],
            limits=["The numbers hold for this classifier, this data set and this number of steps."],
        )

    def _compared(self, results: Results, labels: int) -> Comparison:
        return results.compare(
            *ACCURACY, arm="again", baseline="first", scale=100, labels=labels, where=f"{labels} labels per class",
            smallest_effect=self.smallest_effect, primary=labels == self.labels[0],
        )  # fmt: skip

    def _noise(self, results: Results, comparisons: list[Comparison]) -> Table:
        """Where the spread comes from, and what follows for other studies."""
        rows = []
        for labels, it in zip(self.labels, comparisons, strict=True):
            seed, whole = it.sd / math.sqrt(2), float(np.nanstd([*it.values], ddof=1))
            test = self._test_noise(results, labels)
            subset = math.sqrt(max(0.0, whole**2 - seed**2))
            seen = [number(detectable_effect(it.sd, n)) for n in PLANNED]
            rows.append((str(labels), number(seed), number(subset), number(test), *seen))
        head = ("labels per class", "seed", "label subset", "test images")
        return Table(
            "Noise in points, and the difference between two arms that n replicates detect",
            (*head, *[f"n = {n}" for n in PLANNED]), tuple(rows),
            "Seed and label subset: standard deviations over replicates. Test images: binomial, of one model; it is the same for "
            "both arms of a pair and mostly cancels. Detected: in 80 % of studies, if the arms differ as noisily as these two.",
        )  # fmt: skip

    def _test_noise(self, results: Results, labels: int) -> float:
        cells = results.find(labels=labels)
        if not cells:
            return math.nan
        p, images = np.mean([each.get(*ACCURACY) for each in cells]), cells[0].get("classification", "test", "images")
        return float(100 * math.sqrt(p * (1 - p) / images))

    def _curve(self, results: Results) -> Plot:
        lines = [
            mean_line(arm, [results.values(*ACCURACY, scale=100, arm=arm, labels=labels) for labels in self.labels])
            for arm in self.ARMS
        ]
        return Plot(
            "Accuracy by number of labels", "labels per class", "test accuracy, %", tuple(map(float, self.labels)),
            tuple(lines), log_x=True, note="Means and 95 % t intervals over replicates.",
        )  # fmt: skip
