"""`study=explanations`: can attribution maps be believed, and does the way a classifier is trained change that?

Arms of a replicate share training images, seeds, steps, batch size and augmentation. Each classifier is explained on the same
test images by every method; faithfulness is insertion minus deletion, in points, and counts by how far it is above that of a map
that knows only where the centre is (`attribution/evaluation/controls.py`).
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, ClassVar

from sparring.core.errors import ConfigError
from sparring.core.settings import epsilon_text, pixel_fraction
from sparring.study.base import ArmStudy, check_counts
from sparring.study.cells.recipes import NO_AUGMENTATION, classic_augmentation, classifier_cell
from sparring.study.cells.subset import labelled_subset
from sparring.study.engine.cell import Cell, Tag
from sparring.study.engine.context import StudyContext
from sparring.study.engine.results import CellResult, Results
from sparring.study.stats import statistics
from sparring.study.stats.verdict import Comparison
from sparring.study.tables.analysis import Analysis, Table, arms_table
from sparring.study.tables.comparisons import comparison_table, conclusion, primary_first
from sparring.study.tables.costs import arm_runs, cost_table
from sparring.study.tables.plots import arms_plot
from sparring.study.tables.robustness import EvaluationMeasure, compare_measures
from sparring.study.tables.text import interval_text, mean_std, signed

TRAINING, EXPLANATION = "training", "explanation"  # the tag `part`
METHODS = ("integrated_gradients", "grad_cam", "smooth_grad", "occlusion")
CONTROLS = ("random", "centred")
STANDARD = "standard"  # the arm whose maps are compared with those of permuted labels
UNIT = "points of insertion minus deletion"


class Explanations(ArmStudy):
    """Attribution methods x ways to train a classifier, over paired replicates."""

    question = "Do attribution maps show what a classifier looks at, and better so of adversarially trained ones?"
    ARMS: ClassVar[dict[str, str]] = {
        "standard": "trained on the images",
        "adversarial": "PGD adversarial training (Madry et al. 2018): every image is attacked within epsilon before each step",
        "semi_supervised": "a GAN's discriminator on the same labels and all images (Salimans et al. 2016); another network",
    }

    def __init__(
        self, *, labels_per_class: int | None, steps: int, crop: float, epsilon: float | str, inner_steps: int, method: str,
        count: int, sanity: int, permuted_steps: int, **common: Any,
    ) -> None:  # fmt: skip
        """
        Args:
            labels_per_class: training images of each class; None: all.
            steps: of each classifier.
            crop: shift of every arm's augmentation, share of the side.
            epsilon, inner_steps: of the attack in adversarial training; a fraction of the pixel range.
            method: the attribution method that the verdict is about.
            count: test images that are explained.
            sanity: of these, images for the checks with shuffled weights and permuted labels.
            permuted_steps: of a classifier like the arm standard that learns permuted labels by heart; 0: no such check.
            common: see `ArmStudy`.

        Raises:
            ConfigError: as `ArmStudy`; an epsilon outside (0, 1], or a method that there is not.
        """
        super().__init__(**common)
        check_counts(count=count, sanity=sanity, inner_steps=inner_steps)
        if permuted_steps < 0:
            raise ConfigError(f"study.permuted_steps={permuted_steps} is below 0; give 0 for no check, or more.")
        self.permuted_steps = permuted_steps if STANDARD in self.arms else 0
        if method not in METHODS:
            raise ConfigError(f"study.method={method} is none of {', '.join(METHODS)}; give one of them.")
        self.labels, self.steps, self.crop, self.method = labels_per_class, steps, crop, method
        self.epsilon, self.inner_steps, self.count, self.sanity = pixel_fraction(epsilon), inner_steps, count, sanity

    # -- cells ---------------------------------------------------------------------------------------------------------

    def cells(self, context: StudyContext) -> list[Cell]:
        return [cell for r in range(self.replicates) for cell in self._replicate(context, r)]

    def _replicate(self, context: StudyContext, r: int) -> list[Cell]:
        seeds = self.seeds(r)
        shared = [*labelled_subset(context, self.labels, seeds), *classic_augmentation(context, self.crop)]
        cells = []
        if self.permuted_steps:
            learned = [*labelled_subset(context, self.labels, seeds), *NO_AUGMENTATION, "data.permuted_labels=true"]
            name = f"r{r}/permuted"
            own: dict[str, Tag] = {"replicate": r, "part": "permuted"}
            cells.append(classifier_cell(name, learned, steps=self.permuted_steps, seed=seeds.classifier, tags=own))
        for arm in self.arms:
            tags: dict[str, Tag] = {"replicate": r, "arm": arm}
            robust = [
                "model/robust=pgd_at",
                f"model.robust.epsilon={self.epsilon}",
                f"model.robust.steps={self.inner_steps}",
            ]
            cells += [
                classifier_cell(
                    f"r{r}/{arm}", [*shared, *(robust if arm == "adversarial" else [])], steps=self.steps,
                    seed=seeds.classifier, tags={**tags, "part": TRAINING},
                    model="ssgan" if arm == "semi_supervised" else "classifier",
                ),
                Cell(
                    f"r{r}/explanation_{arm}", "explain",
                    (f"run=cell:r{r}/{arm}", "subject=classifier", f"count={self.count}", f"sanity={self.sanity}",
                     f"seed={seeds.classifier}",
                     *([f"permuted=cell:r{r}/permuted"] if arm == STANDARD and self.permuted_steps else [])),
                    {**tags, "part": EXPLANATION},
                ),
            ]  # fmt: skip
        return cells

    # -- analysis ------------------------------------------------------------------------------------------------------

    def analyse(self, results: Results) -> Analysis:
        trained = [each for arm in self.arms for each in results.find(arm=arm, part=TRAINING)]
        results.check_equal(self.arms, [each for each in trained if each.cell.tags["arm"] != "semi_supervised"], "")
        by_method = compare_measures(
            results, {name: EvaluationMeasure(advantage(name), EXPLANATION) for name in METHODS},
            [(arm, self.baseline) for arm in self.others], primary=(self.method, self.primary, self.baseline),
            smallest_effect=self.smallest_effect,
        )  # fmt: skip
        comparisons = primary_first([each for method in by_method.values() for each in method])
        primary = comparisons[0]
        verdict = conclusion(
            primary, arm=f"the training of the arm {primary.arm}", baseline=self.baseline, unit=f"{UNIT} of {self.method}",
            replicates=self.replicates,
        )  # fmt: skip
        return Analysis(
            question=self.question,
            conclusion=f"{verdict} {self._believed(results)}",
            verdict=primary.verdict,
            comparisons=comparisons,
            tables=[self._faithfulness(results), *self._differences(by_method), arms_table(self.ARMS, self.arms),
                    cost_table(results, arm_runs(self.arms, part=TRAINING))],
            plots=[
                arms_plot(
                    {arm: results.read(advantage(self.method), arm=arm, part=EXPLANATION) for arm in self.arms},
                    title=f"{self.method}: above the centred control", y_label=UNIT,
                )
            ],
            limits=self._limits(),
            numbers={"epsilon": epsilon_text(self.epsilon)},
        )  # fmt: skip

    def _believed(self, results: Results) -> str:
        """Which methods are above the centred control of the baseline, beyond chance over the replicates."""
        above = [
            name
            for name in METHODS
            if statistics.t_interval(
                statistics.finite(results.read(advantage(name), arm=self.baseline, part=EXPLANATION))
            ).low
            > 0
        ]
        named = ", ".join(above) if above else "no method"
        return f"Of the arm {self.baseline}, {named} is above the centred control with a 95 % interval over the replicates."

    def _faithfulness(self, results: Results) -> Table:
        """Every method and control of every arm."""
        rows = []
        for arm in self.arms:
            read: Callable[..., list[float]] = partial(results.read, arm=arm, part=EXPLANATION)
            for name in (*METHODS, *CONTROLS):
                control = name in CONTROLS
                above = [read(advantage(name, over)) for over in CONTROLS]
                cells = ["control"] * 4 if control else [
                    *(f"{signed(statistics.mean(each))} {interval_text(statistics.t_interval(statistics.finite(each)))}"
                      for each in above),
                    mean_std(read(partial(alike, method=name))), mean_std(read(partial(alike_permuted, method=name))),
                ]  # fmt: skip
                rows.append((arm, name, mean_std(read(partial(gain, method=name))), *cells))
        return Table(
            "Insertion minus deletion, in points, beside maps that know nothing",
            ("arm", "method", UNIT, "above random", "above centred", "alike after shuffling", "alike, labels permuted"),
            tuple(rows),
            "Mean ± standard deviation, and mean with 95 % t interval, over replicates. Alike after shuffling: rank correlation "
            "of the absolute maps with those of the network whose weights are all shuffled; near 0 is right. Labels permuted: "
            f"with those of a network that learned permuted labels by heart{self._by_heart(results)}.",
        )  # fmt: skip

    def _by_heart(self, results: Results) -> str:
        """How many of them it gives back."""
        if not self.permuted_steps:
            return ""
        shares = [each.get("attributions", "permuted") for each in results.find(arm=STANDARD, part=EXPLANATION)]
        return f" (it gives back {mean_std([100 * each['learned'] for each in shares if each])} % of them)"

    def _differences(self, by_method: dict[str, list[Comparison]]) -> list[Table]:
        return [
            comparison_table(
                comparisons, title=f"{method}, above the centred control: every arm against {self.baseline}", unit="points",
                metric=UNIT, where="setting",
            )
            for method, comparisons in by_method.items()
        ]  # fmt: skip

    def _limits(self) -> list[str]:
        limits = [
            f"{self.count} test images, the same for all arms and replicates; maps explain the predicted class.",
            "Deleted pixels are black, which is the background of digits and Fashion-MNIST: an order that takes the object "
            "first is favoured.",
        ]
        if "semi_supervised" in self.arms:
            limits.append(
                "The arm semi_supervised has another network (fully connected, without a layer for Grad-CAM)."
            )
        return limits


def _row(each: CellResult, method: str) -> dict[str, Any] | None:
    rows: Sequence[dict[str, Any]] = each.get("attributions", "table")
    return next((row for row in rows if row["method"] == method), None)


def gain(each: CellResult, method: str) -> float:
    """Insertion minus deletion of a method in points; NaN where it does not apply to the network."""
    row = _row(each, method)
    return float("nan") if row is None else 100 * float(row["gain"]["value"])


def advantage(method: str, control: str = "centred") -> Callable[[CellResult], float]:
    """How far a method is above a control, in points."""
    return lambda each: gain(each, method) - gain(each, control)


def alike(each: CellResult, method: str) -> float:
    """Rank correlation of the absolute maps with those of shuffled weights; NaN where it does not apply or the maps vanish."""
    found = each.get("attributions", "sanity", "methods").get(method)
    last = None if found is None else found["cascading_absolute"][-1]
    return float("nan") if last is None else float(last)


def alike_permuted(each: CellResult, method: str) -> float:
    """The same with those of a network that learned permuted labels; NaN where that was not asked for, too."""
    made = each.get("attributions").get("permuted")
    found = None if made is None else made["methods"].get(method)
    return float("nan") if found is None or found["absolute"] is None else float(found["absolute"])
