"""`study=imbalance`: do a GAN's images of the rare classes help more than oversampling their real images?

The training images have a long tail: class k of K keeps ratio^(-k / (K - 1)) of the largest (Cui et al. 2019). The GAN is
trained on that tail and draws equally many images of every class; oversampling repeats the same real images until the classes
are equal. Both replace the same share of each batch. Two more ways without a GAN: class weights in the loss, and mixup.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

from sparring.core.errors import ConfigError
from sparring.study.base import ArmStudy, check_counts, check_fraction
from sparring.study.cells.candidates import Choices, candidate_pools, check_choices
from sparring.study.cells.recipes import NO_AUGMENTATION, classic_augmentation, classifier_cell, images_mix
from sparring.study.cells.subset import check_label_counts, split, training_labels
from sparring.study.engine.cell import Cell, Tag
from sparring.study.engine.context import StudyContext
from sparring.study.engine.results import TEST_ACCURACY, Results
from sparring.study.stats.families import judged
from sparring.study.stats.verdict import Comparison, compare
from sparring.study.tables.analysis import Analysis, Plot, Table, arms_table
from sparring.study.tables.candidates import choice_limits, choices_table, val_accuracy
from sparring.study.tables.comparisons import comparison_table, conclusion, other_differences, primary_first
from sparring.study.tables.costs import arm_runs, cost_table
from sparring.study.tables.imbalance import MEASURES, heading, measure_reader, sizes_table
from sparring.study.tables.limits import shared_images_limit
from sparring.study.tables.mcnemar import mcnemar_table
from sparring.study.tables.plots import class_plot, settings_plot
from sparring.study.tables.published import published_table

PRIMARY_MEASURE = "balanced accuracy"
GENERATED = ("gan", "gan_aug")
UNAUGMENTED = ("none", "gan")
LOSSES = {"class_weights": ["model.class_weights=balanced"], "mixup": ["model/transform=[mixup]"]}


class Imbalance(ArmStudy):
    """Imbalance ratios x arms, over paired replicates."""

    question = (
        "When some classes are rare, do a GAN's images of them help more than showing their few images more often?"
    )
    ARMS: ClassVar[dict[str, str]] = {
        "none": "the images as they are",
        "aug": "with classic augmentation: random shifts, mirroring where the data allows it",
        "oversample": "as aug, a share of each batch replaced by the same images, all classes equally often",
        "class_weights": "as aug, each image weighted by the inverse frequency of its class in the loss",
        "mixup": "as aug, and every image and label is blended with another one's",
        "gan": "as none, a share replaced by images of a GAN trained on the same images, all classes equally often",
        "gan_aug": "as aug, a share replaced by images of that GAN",
    }

    def __init__(
        self, *, ratios: Sequence[float], primary_ratio: float, largest: int | None, rare: int, steps: int, crop: float,
        gan: Sequence[str], gan_choices: Choices, gan_steps: int, pool: int, fraction: float, **common: Any,
    ) -> None:  # fmt: skip
        """
        Args:
            ratios: the settings: images of the largest class over those of the smallest, above 1.
            primary_ratio: the setting of the verdict.
            largest: images of the largest class; None: all.
            rare: how many of the smallest classes are called rare.
            steps: of each classifier.
            crop: shift of the augmentation, share of the side.
            gan: overrides of the GAN's training.
            gan_choices: further overrides by name, between which val decides, see `check_choices`.
            gan_steps: its iterations.
            pool: generated images of each class.
            fraction: share of each batch that is replaced, 0 to 1.
            common: see `ArmStudy`.

        Raises:
            ConfigError: numbers out of range.
        """
        super().__init__(**common)
        if primary_ratio not in ratios or any(ratio <= 1 for ratio in ratios):
            raise ConfigError(
                f"study.ratios={list(ratios)} must all be above 1, and study.primary_ratio={primary_ratio} one of them."
            )
        check_counts(pool=pool, rare=rare)
        self.ratios, self.primary_ratio, self.largest, self.rare = list(ratios), primary_ratio, largest, rare
        self.steps, self.crop = steps, crop
        self.gan, self.gan_choices, self.gan_steps = list(gan), check_choices(gan_choices), gan_steps
        self.pool, self.fraction = pool, check_fraction(fraction)

    # -- cells ---------------------------------------------------------------------------------------------------------

    def cells(self, context: StudyContext) -> list[Cell]:
        if self.rare >= context.num_classes:
            raise ConfigError(f"study.rare={self.rare} must be below the {context.num_classes} classes of the data.")
        if self.largest is not None:
            check_label_counts(context, [self.largest], key="largest")
        self.sizes = {  # the same for every draw of the images
            ratio: list(training_labels(context, imbalance=ratio, labels_per_class=self.largest).values())
            for ratio in self.ratios
        }
        replicates = [self._replicate(context, ratio, r) for ratio in self.ratios for r in range(self.replicates)]
        return [cell for cells in replicates for cell in cells]

    def _replicate(self, context: StudyContext, ratio: float, replicate: int) -> list[Cell]:
        seeds, prefix = self.seeds(replicate), f"ratio{ratio:g}/r{replicate}"
        tags: dict[str, Tag] = {"ratio": float(ratio), "replicate": replicate}
        largest = [] if self.largest is None else [f"data.labels_per_class={self.largest}"]
        batch = min(context.batch_size, sum(self.sizes[ratio]))
        images = [
            f"data.imbalance={ratio}", *largest, *split(context, seeds), f"data.subset_seed={seeds.subset}",
            f"data.batch_size={batch}",
        ]  # fmt: skip
        cells = []
        if any(arm in GENERATED for arm in self.arms):
            cells = candidate_pools(
                prefix, self.gan_choices, recipe=self.gan, augmentation=classic_augmentation(context, self.crop), images=images,
                steps=self.gan_steps, seeds=seeds, tags=tags, count=self.pool * context.num_classes,
            )  # fmt: skip
        for arm in self.arms:
            for choice in self.gan_choices if arm in GENERATED else [""]:
                name, candidate = (f"{arm}_{choice}", {"candidate": choice}) if choice else (arm, {})
                cells.append(
                    classifier_cell(
                        f"{prefix}/{name}", [*images, *self._arm(arm, context, f"{prefix}/by_{choice}/pool")],
                        steps=self.steps, seed=seeds.classifier, tags={**tags, "arm": arm, **candidate},
                    )
                )  # fmt: skip
        return cells

    def _arm(self, arm: str, context: StudyContext, pool: str) -> list[str]:
        """Overrides by which the arm differs from the others; pool: the cell of a generated arm's images."""
        augmentation = NO_AUGMENTATION if arm in UNAUGMENTED else classic_augmentation(context, self.crop)
        generated = images_mix(pool, self.fraction)
        oversample = ["data/mix=replay", "data.mix.balanced=true", f"data.mix.fraction={self.fraction}"]
        own = {"gan": generated, "gan_aug": generated, "oversample": oversample, **LOSSES}.get(arm, [])
        return [*augmentation, *own]

    # -- analysis ------------------------------------------------------------------------------------------------------

    def analyse(self, results: Results) -> Analysis:
        candidates = choices_table(
            results, list(self.gan_choices), [arm for arm in self.arms if arm in GENERATED], self._settings
        )
        results = results.chosen(val_accuracy)
        keys = [(measure, ratio, arm) for measure in MEASURES for ratio in self.ratios for arm in self.others]
        by_key = dict(zip(keys, judged([self._compare(results, *key) for key in keys]), strict=True))
        comparisons = primary_first(list(by_key.values()))
        verdict = conclusion(
            replace(comparisons[0], where=self._where(self.primary_ratio)), unit="points of balanced accuracy",
            arm="adding the GAN's images of every class" if self.primary in GENERATED else self.primary,
            baseline="oversampling the rare classes" if self.baseline == "oversample" else self.baseline,
            replicates=self.replicates,
        )  # fmt: skip
        others = other_differences(
            [each for (measure, *_), each in by_key.items() if measure == PRIMARY_MEASURE and not each.primary]
        )
        return Analysis(
            question=self.question,
            conclusion=f"{verdict} Of balanced accuracy, {others}" if others else verdict,
            verdict=comparisons[0].verdict,
            comparisons=comparisons,
            tables=[*self._compared(by_key), *self._tables(results, candidates)],
            plots=self._plots(results),
            limits=self._limits(results),
        )

    def _where(self, ratio: float) -> str:
        return f"an imbalance of {ratio:g}"

    def _compare(self, results: Results, measure: str, ratio: float, arm: str) -> Comparison:
        where, primary = (
            f"ratio {ratio:g}",
            (measure, ratio, arm) == (PRIMARY_MEASURE, self.primary_ratio, self.primary),
        )
        if measure == "accuracy":  # also checks that both were trained equally long
            return results.compare(
                *TEST_ACCURACY, scale=100, ratio=float(ratio), arm=arm, baseline=self.baseline,
                smallest_effect=self.smallest_effect, measure=f"test {measure}", where=where, primary=primary,
            )  # fmt: skip
        return compare(
            self._values(results, measure, ratio, arm), self._values(results, measure, ratio, self.baseline), arm=arm,
            baseline=self.baseline, smallest_effect=self.smallest_effect, measure=f"test {measure}", where=where, primary=primary,
            levels=results.levels,
        )  # fmt: skip

    def _values(self, results: Results, measure: str, ratio: float, arm: str) -> list[float]:
        """Of a measure, in %, per replicate; NaN where the cell failed."""
        return results.read(measure_reader(measure, rare=self.rare), arm=arm, ratio=float(ratio))

    def _compared(self, by_key: dict[tuple[str, float, str], Comparison]) -> list[Table]:
        return [
            comparison_table(
                [each for (name, _, _), each in by_key.items() if name == measure], unit="points", metric=unit,
                title=f"{heading(measure)} of every arm against {self.baseline}", where="setting",
            )
            for measure, unit in MEASURES.items()
        ]  # fmt: skip

    @property
    def _settings(self) -> dict[str, dict[str, Tag]]:
        """Setting in words -> tags of its cells."""
        return {f"ratio {ratio:g}": {"ratio": float(ratio)} for ratio in self.ratios}

    def _tables(self, results: Results, candidates: Sequence[Table]) -> list[Table]:
        return [
            mcnemar_table(results, arm=self.primary, baseline=self.baseline, settings=self._settings),
            *candidates,
            arms_table(self.ARMS, self.arms),
            sizes_table(results, self.sizes, baseline=self.baseline, rare=self.rare),
            cost_table(results, arm_runs(self.arms)),
            published_table("imbalance"),
        ]

    def _plots(self, results: Results) -> list[Plot]:
        plots = [
            settings_plot(
                {arm: [self._values(results, measure, ratio, arm) for ratio in self.ratios] for arm in self.arms},
                self.ratios, title=f"{heading(measure)} by imbalance", x_label="largest class / smallest",
                y_label=MEASURES[measure],
            )
            for measure in (PRIMARY_MEASURE, "rare recall")
        ]  # fmt: skip
        arms = (self.arms[0], self.baseline, self.primary)
        title = f"Recall by class, {self._where(self.primary_ratio)}: from the most frequent to the rarest"
        ratio = float(self.primary_ratio)
        return [*plots, *class_plot(results, arms, title=title, y_label="recall on test, %", ratio=ratio)]

    def _limits(self, results: Results) -> list[str]:
        return [
            *choice_limits(self.gan_choices if any(arm in GENERATED for arm in self.arms) else ()),
            "Which classes are rare is fixed by their order in the data set; other rare classes may be harder or easier.",
            "Class weights balance the whole loss; oversampling and generated images balance their share of the batch.",
            "The smallest classes have a handful of images: a GAN can do little more with them than repeat them.",
            shared_images_limit(results, estimated=False),
        ]
