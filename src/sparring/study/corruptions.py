"""`study=corruptions`: accuracy and calibration of a classifier under corruptions that it was not trained on.

Accuracy by corruption and severity, and mCE against the baseline of the same replicate (Hendrycks and Dietterich 2019).
"""

from collections.abc import Sequence
from typing import Any, ClassVar

from sparring.core.settings import epsilon_text, pixel_fraction
from sparring.study.base import ArmStudy, check_counts, check_fraction
from sparring.study.cells.recipes import (
    NO_AUGMENTATION,
    attack_cell,
    classic_augmentation,
    classifier_cell,
    gan_and_pool,
    gaussian_mix,
    images_mix,
)
from sparring.study.cells.subset import images_per_class, labelled_subset
from sparring.study.engine.cell import Cell, Tag
from sparring.study.engine.context import StudyContext
from sparring.study.engine.results import Results
from sparring.study.stats.verdict import Comparison
from sparring.study.tables.analysis import Analysis, Plot, Table, arms_table
from sparring.study.tables.comparisons import comparison_table, conclusion, other_differences, primary_first
from sparring.study.tables.corruptions import EVALUATION, corruption_plots, kinds_table, mce_table, severities_table
from sparring.study.tables.costs import arm_runs, cost_table
from sparring.study.tables.limits import shared_images_limit
from sparring.study.tables.pictures import training_pictures
from sparring.study.tables.plots import ACCURACY_LABEL
from sparring.study.tables.published import published_table
from sparring.study.tables.robustness import (
    EvaluationMeasure,
    clean_accuracy,
    combined_plots,
    combined_table,
    compare_measures,
    corrupted_accuracy,
    no_more_robust,
    robust_accuracy,
)

TRAINING = "training"  # the tag `part` of classifiers; that of their evaluations is EVALUATION
UNAUGMENTED = ("real",)
CORRUPTED = "accuracy under corruptions"
MEASURES = {
    CORRUPTED: EvaluationMeasure(corrupted_accuracy, EVALUATION),
    "accuracy without corruption": EvaluationMeasure(clean_accuracy, EVALUATION),
}


class Corruptions(ArmStudy):
    """Arms by what the classifier is trained on, evaluated on corrupted test images."""

    question = "Do images from a GAN trained on the same images make the classifier more robust to corruptions?"
    ARMS: ClassVar[dict[str, str]] = {
        "real": "the real images alone",
        "aug": "real images with classic augmentation: random shifts, mirroring where the data allows it",
        "strong_aug": "real images with stronger augmentation",
        "gan_aug": "as aug, a share of each batch replaced by images of the GAN",
        "gaussian": "as aug, a share replaced by draws from a Gaussian per class: a negative control for the GAN",
        "pgd_at": "as aug, with PGD adversarial training: every image is attacked by PGD within epsilon before each step",
    }

    def __init__(
        self, *, labels_per_class: int | None, epsilon: float | str, steps: int, crop: float, strong: Sequence[str],
        inner_steps: int, gan: Sequence[str], gan_steps: int, pool: int, fraction: float, pgd_steps: int, count: int,
        **common: Any,
    ) -> None:  # fmt: skip
        """
        Args:
            labels_per_class: images of each class for classifiers and GAN; None: all.
            epsilon: of arm pgd_at and of the PGD evaluation, fraction of the pixel range.
            steps: of each classifier.
            crop: shift of the classic augmentation, share of the side.
            strong: overrides of arm strong_aug.
            inner_steps: of the attack in the training of pgd_at.
            gan: overrides of the GAN's training.
            gan_steps: its iterations.
            pool: generated images per training image.
            fraction: share of each batch that is replaced, 0 to 1.
            pgd_steps: of the PGD evaluation.
            count: test images that are corrupted and attacked, at most.
            common: see `ArmStudy`.

        Raises:
            ConfigError: as `ArmStudy`; an epsilon outside (0, 1], counts that do not fit.
        """
        super().__init__(**common)
        check_counts(pool=pool, count=count)
        self.labels, self.steps, self.crop, self.inner_steps = labels_per_class, steps, crop, inner_steps
        self.epsilon, self.strong = pixel_fraction(epsilon), list(strong)
        self.gan, self.gan_steps, self.pool, self.fraction = list(gan), gan_steps, pool, check_fraction(fraction)
        self.pgd_steps, self.count = pgd_steps, count

    # -- cells ---------------------------------------------------------------------------------------------------------

    def cells(self, context: StudyContext) -> list[Cell]:
        per_class = self.pool * images_per_class(context, self.labels)
        return [cell for r in range(self.replicates) for cell in self._replicate(context, r, per_class)]

    def _replicate(self, context: StudyContext, r: int, per_class: int) -> list[Cell]:
        """per_class: images of each class in the pool of the GAN, and draws of the Gaussian."""
        seeds = self.seeds(r)
        tags: dict[str, Tag] = {"replicate": r}
        images = labelled_subset(context, self.labels, seeds)
        cells = []
        if "gan_aug" in self.arms:
            cells = gan_and_pool(
                f"r{r}", recipe=self.gan, images=images, steps=self.gan_steps, seeds=seeds, tags=tags,
                count=per_class * context.num_classes,
            )  # fmt: skip
        evaluation = ("attack=pgd", f"attack.steps={self.pgd_steps}", f"epsilon={self.epsilon}", f"count={self.count}",
                      "probe=0", f"seed={seeds.classifier}")  # fmt: skip
        for arm in self.arms:
            overrides = [*images, *self._arm(arm, context, f"r{r}", per_class)]
            own = {**tags, "arm": arm, "part": TRAINING}
            classifier = classifier_cell(f"r{r}/{arm}", overrides, steps=self.steps, seed=seeds.classifier, tags=own)
            cells.append(classifier)
            own = {**tags, "arm": arm, "part": EVALUATION}
            cells.append(
                attack_cell(f"r{r}/evaluation_{arm}", classifier.name, overrides=evaluation, tags=own, corruptions=True)
            )
        return cells

    def _arm(self, arm: str, context: StudyContext, prefix: str, per_class: int) -> list[str]:
        """Overrides by which the arm differs from the others."""
        robust = [f"model.robust.epsilon={self.epsilon}", f"model.robust.steps={self.inner_steps}"]
        own = {
            "strong_aug": self.strong,
            "gan_aug": images_mix(f"{prefix}/pool", self.fraction),
            "gaussian": gaussian_mix(per_class, self.fraction),
            "pgd_at": ["model/robust=pgd_at", *robust],
        }.get(arm, [])
        augmentation = NO_AUGMENTATION if arm in UNAUGMENTED else classic_augmentation(context, self.crop)
        return [*augmentation, *own]

    # -- analysis ------------------------------------------------------------------------------------------------------

    def analyse(self, results: Results) -> Analysis:
        trained = [each for arm in self.arms for each in results.find(arm=arm, part=TRAINING)]
        results.check_equal(self.arms, trained, "")
        by_measure = compare_measures(
            results, MEASURES, [(arm, self.baseline) for arm in self.others],
            primary=(CORRUPTED, self.primary, self.baseline), smallest_effect=self.smallest_effect,
        )  # fmt: skip
        comparisons = primary_first([each for measure in by_measure.values() for each in measure])
        primary = comparisons[0]
        verdict = conclusion(
            primary, arm=f"adding the GAN's images ({primary.arm})" if primary.arm == "gan_aug" else primary.arm,
            baseline="classic augmentation alone" if self.baseline == "aug" else self.baseline,
            unit="points of accuracy under corruptions", replicates=self.replicates,
        )  # fmt: skip
        others = other_differences([each for each in by_measure[CORRUPTED] if not each.primary])
        pictured = {arm: self.ARMS[arm] for arm in self.arms if arm != "pgd_at"}
        return Analysis(
            question=self.question,
            conclusion=" ".join(
                filter(None, (self._warning(results), verdict, others and f"Under corruptions, {others}"))
            ),
            verdict=primary.verdict,
            comparisons=comparisons,
            tables=[*self._compared(by_measure), *self._tables(results)],
            plots=self._plots(results),
            pictures=training_pictures(results, pictured, part=TRAINING),
            limits=self._limits(results),
        )

    def _robust(self) -> dict[str, EvaluationMeasure]:
        """Columns of accuracy under attack in the combined table."""
        return {f"PGD-{self.pgd_steps}, %": EvaluationMeasure(robust_accuracy("pgd", self.epsilon), EVALUATION)}

    def _warning(self, results: Results) -> str:
        if "pgd_at" not in self.arms:
            return ""
        (pgd,) = self._robust().values()
        plain, robust = (pgd.values(results, arm) for arm in (self.baseline, "pgd_at"))
        under = f"PGD-{self.pgd_steps} at {epsilon_text(self.epsilon)}"
        return no_more_robust(plain, robust, names=(f"the arm {self.baseline}", "pgd_at"), attack=under)

    def _compared(self, by_measure: dict[str, list[Comparison]]) -> list[Table]:
        return [
            comparison_table(
                comparisons, title=f"{measure.capitalize()}: every arm against {self.baseline}", unit="points",
                metric=ACCURACY_LABEL, where="setting",
            )
            for measure, comparisons in by_measure.items()
        ]  # fmt: skip

    def _tables(self, results: Results) -> list[Table]:
        runs = {
            **arm_runs(self.arms, part=TRAINING),
            "corruptions, calibration and PGD of one classifier": {"part": EVALUATION},
        }
        return [
            combined_table(results, self.arms, robust=self._robust(), against=self.baseline, part=EVALUATION),
            kinds_table(results, self.arms),
            severities_table(results, self.arms),
            mce_table(results, self.arms, self.baseline),
            arms_table(self.ARMS, self.arms),
            cost_table(results, runs),
            published_table("corruptions"),
        ]

    def _plots(self, results: Results) -> list[Plot]:
        return [
            *combined_plots(results, self.arms, robust=self._robust(), part=EVALUATION),
            *corruption_plots(results, self.arms, kinds_of=(self.baseline, self.primary, "pgd_at")),
        ]

    def _limits(self, results: Results) -> list[str]:
        return [
            "Corruptions are drawn by sparring, with strengths of its own: numbers are not those of CIFAR-10-C.",
            "No arm was trained on one of the corruptions; the patches of CutMix resemble occlusion, though.",
            f"PGD has the Linf epsilon {epsilon_text(self.epsilon)}.",
            shared_images_limit(results, estimated=False),
            "All arms meet the same draws of each corruption, image by image.",
        ]
