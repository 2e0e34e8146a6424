"""A study: does a wider classifier do better on few labels? Two arms, paired by seeds, trained equally long."""

from typing import Any, ClassVar

from sparring.study.base import ArmStudy
from sparring.study.cells.recipes import classifier_cell
from sparring.study.cells.subset import labelled_subset
from sparring.study.engine.cell import Cell
from sparring.study.engine.context import StudyContext
from sparring.study.engine.results import TEST_ACCURACY, Results
from sparring.study.stats.families import judged
from sparring.study.tables.analysis import Analysis
from sparring.study.tables.comparisons import comparison_table, conclusion

WIDTHS = {"narrow": 8, "wide": 32}


class Width(ArmStudy):
    question = "Does a wider network classify better after training on few labels?"
    ARMS: ClassVar[dict[str, str]] = {arm: f"first layer of {width} channels" for arm, width in WIDTHS.items()}

    def __init__(self, *, labels_per_class: int, steps: int, **common: Any) -> None:
        super().__init__(**common)
        self.labels_per_class, self.steps = labels_per_class, steps

    def cells(self, context: StudyContext) -> list[Cell]:
        """One training per replicate and arm; both arms of a replicate share images and seed."""
        cells = []
        for replicate in range(self.replicates):
            seeds = self.seeds(replicate)
            for arm in self.arms:
                data = (*labelled_subset(context, self.labels_per_class, seeds), f"model.backbone.width={WIDTHS[arm]}")
                tags = {"replicate": replicate, "arm": arm}
                cells.append(
                    classifier_cell(f"r{replicate}_{arm}", data, steps=self.steps, seed=seeds.classifier, tags=tags)
                )
        return cells

    def analyse(self, results: Results) -> Analysis:
        (comparison,) = judged([
            results.compare(
                *TEST_ACCURACY, arm=self.primary, baseline=self.baseline, scale=100, smallest_effect=self.smallest_effect,
                primary=True,
            )
        ])  # fmt: skip
        sentence = conclusion(
            comparison, arm="the wide network", baseline="the narrow one", unit="points", replicates=self.replicates
        )
        table = comparison_table(
            [comparison], title="Test accuracy", unit="points", metric="test accuracy, %", where=""
        )
        return Analysis(
            question=self.question, conclusion=sentence, verdict=comparison.verdict, comparisons=[comparison], tables=[table],
            limits=["One family of networks, one number of steps."],
        )  # fmt: skip
