"""`study=robust_at`: do generated images make adversarially trained classifiers more robust?

Arms of a replicate share training images, seeds, steps, batch size and augmentation; added images replace a share of each batch
and are attacked like real ones (Gowal et al. 2021, "Improving robustness using generated data"). The table "Accurate, robust,
calibrated" compares all arms.
"""

from collections.abc import Sequence
from typing import Any, ClassVar

from sparring.core.errors import ConfigError
from sparring.core.settings import epsilon_text, pixel_fraction
from sparring.study.base import ArmStudy, check_counts, check_fraction
from sparring.study.cells.candidates import Choices, candidate_pools, check_choices
from sparring.study.cells.recipes import NO_AUGMENTATION, budget, classic_augmentation, classifier_cell
from sparring.study.cells.robust_arms import (
    ARMS,
    EVALUATION,
    PARTS,
    POOLED,
    STRONG_ATTACK,
    TRAINING,
    arm_overrides,
    evaluation_cells,
    perturbed_cells,
)
from sparring.study.cells.subset import images_per_class, labelled_subset
from sparring.study.engine.cell import Cell, Seeds, Tag
from sparring.study.engine.context import StudyContext
from sparring.study.engine.results import Results
from sparring.study.stats.verdict import Comparison, Verdict
from sparring.study.tables.analysis import Analysis, Table, arms_table
from sparring.study.tables.candidates import choices_table
from sparring.study.tables.comparisons import (
    comparison_table,
    conclusion,
    control_first,
    other_differences,
    primary_first,
)  # fmt: skip
from sparring.study.tables.costs import cost_table
from sparring.study.tables.pictures import training_pictures
from sparring.study.tables.plots import ACCURACY_LABEL
from sparring.study.tables.published import published_table
from sparring.study.tables.robust_at import candidate_columns, costs, curve, limits, robust_warning
from sparring.study.tables.robustness import (
    EvaluationMeasure,
    clean_accuracy,
    combined_plots,
    combined_table,
    compare_measures,
    corrupted_accuracy,
    flags_table,
    robust_accuracy,
)


class RobustAT(ArmStudy):
    """Ways of adversarial training x added images, over paired replicates."""

    question = "Do images from a GAN trained on the same images make adversarial training more robust?"
    ARMS: ClassVar[dict[str, str]] = ARMS

    def __init__(
        self, *, labels_per_class: int | None, epsilon: float | str, weaker: Sequence[float | str], steps: int, crop: float,
        inner_steps: int, network: Sequence[str], gan: Sequence[str], gan_choices: Choices, gan_steps: int, pool: int,
        fraction: float, advgan: Sequence[str], advgan_steps: int, pgd_steps: int, count: int, strong: Sequence[str],
        strong_count: int, **common: Any,
    ) -> None:  # fmt: skip
        """
        Args:
            labels_per_class: images of each class for classifiers and GAN; None: all.
            epsilon: of training and evaluation, fraction of the pixel range.
            weaker: further strengths of the evaluation.
            steps: of each classifier.
            crop: shift of every arm's augmentation, share of the side; 0: no augmentation.
            inner_steps: of the attack in training.
            network: overrides of every classifier.
            gan: overrides of the GAN's training.
            gan_choices: further overrides by name, between which val decides, see `check_choices`.
            gan_steps: its iterations.
            pool: generated images per training image.
            fraction: share of each batch that is replaced, 0 to 1.
            advgan: overrides of the training of AdvGAN's perturber.
            advgan_steps: its iterations.
            pgd_steps: of the PGD evaluation.
            count: test images of the PGD evaluation, at most.
            strong: overrides of attack.py for a stronger attack.
            strong_count: test images of the stronger attack, at most.
            common: see `ArmStudy`.

        Raises:
            ConfigError: as `ArmStudy`; an epsilon outside (0, 1], counts that do not fit.
        """
        super().__init__(**common)
        check_counts(pool=pool, count=count, strong_count=strong_count)
        self._has_advgan = any(PARTS[arm][1] == "advgan" for arm in self.arms)
        if self._has_advgan and "standard" not in self.arms:
            raise ConfigError("study.arms needs standard where it has pgd_at_advgan: AdvGAN is trained against it.")
        self.labels, self.steps, self.crop, self.inner_steps = labels_per_class, steps, crop, inner_steps
        self.epsilon = pixel_fraction(epsilon)
        self.epsilons = sorted({self.epsilon, *map(pixel_fraction, weaker)})
        self.network, self.gan, self.gan_steps = list(network), list(gan), gan_steps
        self.gan_choices = check_choices(gan_choices)
        self.pool, self.fraction = pool, check_fraction(fraction)
        self.advgan, self.advgan_steps = list(advgan), advgan_steps
        self.pgd_steps, self.count, self.strong, self.strong_count = pgd_steps, count, list(strong), strong_count
        chosen = [item.removeprefix("attack=") for item in self.strong if item.startswith("attack=")]
        if not chosen:
            raise ConfigError(f"study.strong={self.strong} must choose an attack, such as attack=ensemble.")
        self.strong_attack = chosen[-1]

    # -- cells ---------------------------------------------------------------------------------------------------------

    def cells(self, context: StudyContext) -> list[Cell]:
        per_class = self.pool * images_per_class(context, self.labels)
        return [cell for r in range(self.replicates) for cell in self._replicate(context, r, per_class)]

    def _replicate(self, context: StudyContext, r: int, per_class: int) -> list[Cell]:
        """per_class: images of each class in the pool of the GAN, and draws of the Gaussian."""
        seeds, prefix = self.seeds(r), f"r{r}"
        tags: dict[str, Tag] = {"replicate": r}
        images = labelled_subset(context, self.labels, seeds)
        augmentation = classic_augmentation(context, self.crop) if self.crop else NO_AUGMENTATION
        cells = []
        if self._drawn:
            cells = candidate_pools(
                prefix, self.gan_choices, recipe=self.gan, augmentation=augmentation, images=images, steps=self.gan_steps,
                seeds=seeds, tags=tags, count=per_class * context.num_classes,
            )  # fmt: skip
        if self._has_advgan:
            overrides = [*self.advgan, *images, *budget(steps=self.advgan_steps, seed=seeds.gan)]
            cells += perturbed_cells(r, overrides, epsilon=self.epsilon, seeds=seeds)
        for arm in self.arms:
            for choice in self.gan_choices if arm in self._drawn else [""]:
                name, candidate = (f"{arm}_{choice}", {"candidate": choice}) if choice else (arm, {})
                own = arm_overrides(
                    arm, prefix, pool=f"{prefix}/by_{choice}/pool", epsilon=self.epsilon, steps=self.inner_steps,
                    fraction=self.fraction, per_class=per_class,
                )  # fmt: skip
                of_arm: dict[str, Tag] = {**tags, "arm": arm, **candidate}
                cells.append(
                    classifier_cell(
                        f"{prefix}/{name}", [*images, *augmentation, *self.network, *own], steps=self.steps,
                        seed=seeds.classifier, tags={**of_arm, "part": TRAINING},
                    )
                )  # fmt: skip
                pgd, strong = self._attacks(seeds)
                cells += evaluation_cells(name, prefix, pgd=pgd, strong=strong, tags=of_arm)
        return cells

    @property
    def _drawn(self) -> list[str]:
        """The arms that have the GAN's images."""
        return [arm for arm in self.arms if PARTS[arm][1] in POOLED]

    def _attacks(self, seeds: Seeds) -> tuple[list[str], list[str]]:
        """Overrides of attack.py: PGD at every strength, and the stronger attack."""
        seed, strengths = f"seed={seeds.classifier}", ",".join(map(str, self.epsilons))
        pgd = ["attack=pgd", f"attack.steps={self.pgd_steps}", f"epsilon=[{strengths}]", f"count={self.count}", seed]
        return pgd, [*self.strong, f"epsilon={self.epsilon}", f"count={self.strong_count}", "probe=0", seed]

    # -- analysis ------------------------------------------------------------------------------------------------------

    def analyse(self, results: Results) -> Analysis:
        val, test = candidate_columns(self._pgd, self.epsilon)
        candidates = choices_table(results, list(self.gan_choices), self._drawn, {"": {}}, val=val, test=test)
        results = results.chosen(val.read, part=TRAINING)
        trained = [each for arm in self.arms for each in results.find(arm=arm, part=TRAINING)]
        results.check_equal(self.arms, trained, "")
        by_measure = self._comparisons(results)
        comparisons = primary_first([each for measure in by_measure.values() for each in measure])
        primary = comparisons[0]
        verdict = conclusion(
            primary, arm=f"adding the GAN's images ({primary.arm})" if "gan" in primary.arm else primary.arm,
            baseline="adversarial training on real images alone" if self.baseline == "pgd_at" else self.baseline,
            unit=f"points of accuracy under {self._pgd}", replicates=self.replicates,
        )  # fmt: skip
        others = other_differences([each for each in by_measure[self._pgd] if not each.primary])
        warning = robust_warning(results, self.arms, next(iter(self._robust().values())), attack=self._pgd)
        pictured = {arm: self.ARMS[arm] for arm in self.arms if PARTS[arm][1]}
        return Analysis(
            question=self.question,
            conclusion=" ".join(
                filter(None, (control_first(comparisons), warning, verdict, others and f"Under {self._pgd}, {others}"))
            ),
            verdict=primary.verdict,
            comparisons=comparisons,
            tables=[*self._tables(results, by_measure), *candidates],
            plots=[
                *combined_plots(results, self.arms, robust=self._robust(), part=EVALUATION),
                curve(results, self.arms, self.epsilons, steps=self.pgd_steps, part=EVALUATION),
            ],
            pictures=training_pictures(results, pictured, part=TRAINING),
            limits=limits(results, self.epsilon, self.strong_count, self.gan_choices if self._drawn else ()),
            numbers={"epsilon": epsilon_text(self.epsilon)},
        )

    @property
    def _pgd(self) -> str:
        return f"PGD-{self.pgd_steps} at {epsilon_text(self.epsilon)}"

    def _robust(self) -> dict[str, EvaluationMeasure]:
        """Columns of accuracy under attack in the combined table."""
        pgd, strong = robust_accuracy("pgd", self.epsilon), robust_accuracy(self.strong_attack, self.epsilon)
        return {
            f"PGD-{self.pgd_steps}, %": EvaluationMeasure(pgd, EVALUATION),
            f"stronger attack, {self.strong_count} images, %": EvaluationMeasure(strong, STRONG_ATTACK),
        }

    def _comparisons(self, results: Results) -> dict[str, list[Comparison]]:
        """By measure: every arm against the baseline, and the GAN's images against the Gaussian's."""
        pgd, strong = self._robust().values()
        measures = {
            self._pgd: pgd,
            f"stronger attack, {self.strong_count} images": strong,
            "accuracy without an attack": EvaluationMeasure(clean_accuracy, EVALUATION),
            "accuracy under corruptions": EvaluationMeasure(corrupted_accuracy, EVALUATION),
        }
        pairs = [(arm, self.baseline) for arm in self.others]
        if {"pgd_at_gan", "pgd_at_gaussian"} <= set(self.arms) and self.baseline != "pgd_at_gaussian":
            pairs.append(("pgd_at_gan", "pgd_at_gaussian"))
        return compare_measures(
            results, measures, pairs, primary=(self._pgd, self.primary, self.baseline),
            smallest_effect=self.smallest_effect,
            must={(self._pgd, "standard", "pgd_at"): Verdict.HURTS} if self.primary != "standard" else None,
        )  # fmt: skip

    def _tables(self, results: Results, by_measure: dict[str, list[Comparison]]) -> list[Table]:
        against = "standard" if "standard" in self.arms else self.baseline
        pgd, *others = [
            comparison_table(
                comparisons, title=f"{measure[0].upper()}{measure[1:]}: every arm against {self.baseline}", unit="points",
                metric=ACCURACY_LABEL, where="setting",
            )
            for measure, comparisons in by_measure.items()
        ]  # fmt: skip
        return [
            pgd,
            combined_table(results, self.arms, robust=self._robust(), against=against, part=EVALUATION),
            *others,
            arms_table(self.ARMS, self.arms),
            flags_table(results, {arm: {"arm": arm, "part": EVALUATION} for arm in self.arms}),
            cost_table(results, costs(self.arms)),
            published_table("robust_at"),
        ]
