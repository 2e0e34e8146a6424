"""A study of the tests: a tiny GAN per replicate, and images drawn from it; `arms` say how many."""

from typing import Any, ClassVar

from sparring.study.base import ArmStudy
from sparring.study.engine.cell import Cell
from sparring.study.engine.context import StudyContext
from sparring.study.engine.results import Results
from sparring.study.stats.families import judged
from sparring.study.stats.verdict import Comparison
from sparring.study.tables.analysis import Analysis, Line, Picture, Plot
from sparring.study.tables.comparisons import comparison_table, conclusion

COUNTS = {"few": 4, "many": 8, "none": 0}


class Example(ArmStudy):
    """Counts images; the arm `none` asks for none of them, which generate.py refuses."""

    question = "Are many images more than few?"
    ARMS: ClassVar[dict[str, str]] = {"few": "four images", "many": "eight images", "none": "no images"}

    def __init__(self, *, width: int, **common: Any) -> None:
        super().__init__(**common)
        self.width = width

    def cells(self, context: StudyContext) -> list[Cell]:
        cells = []
        for r in range(self.replicates):
            seeds = self.seeds(r)
            size = [f"model.generator.width={self.width}", f"model.discriminator.width={self.width}"]
            gan = ("debug=fast", f"seed={seeds.gan}", f"data.subset_seed={seeds.subset}", *size)
            cells.append(Cell(f"r{r}/gan", "train", gan, {"replicate": r}))
            for arm in self.arms:
                draw = (f"run=cell:r{r}/gan", f"count={COUNTS[arm]}", f"seed={seeds.pool}", "device=cpu")
                cells.append(Cell(f"r{r}/{arm}", "generate", draw, {"replicate": r, "arm": arm}))
        return cells

    def analyse(self, results: Results) -> Analysis:
        comparisons = judged([self.against_baseline(results, arm) for arm in self.others])
        primary = next(each for each in comparisons if each.primary)
        table = comparison_table(comparisons, title="Images", unit="images", metric="images", where="")
        finished = [each for arm in self.arms if (each := results.cell(f"r0/{arm}")) is not None]
        means = Line("many", (primary.mean, primary.mean), (3.0, 3.0), (9.0, 9.0))
        return Analysis(
            question=self.question,
            conclusion=conclusion(
                primary, arm="drawing many", baseline="drawing few", unit="images", replicates=self.replicates
            ),
            verdict=primary.verdict,
            comparisons=comparisons,
            tables=[table],
            plots=[
                Plot("Images by label", "labels per class", "images", (10.0, 100.0), (means,), log_x=True),
                Plot("Images by class", "class", "images", ("zero", "one"), (means,)),
            ],
            pictures=[
                Picture(each.cell.name, f"cells/{each.cell.name}/images/grid.png", "generated") for each in finished
            ],
            limits=["Images are counted, not looked at."],
        )

    def against_baseline(self, results: Results, arm: str) -> Comparison:
        return results.compare(
            "cost", "images", arm=arm, baseline=self.baseline, smallest_effect=self.smallest_effect,
            primary=arm == self.primary,
        )  # fmt: skip
