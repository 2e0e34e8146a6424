"""`study=cas`: accuracy of a classifier trained on generated images only, next to the metrics of the same images.

Classification accuracy score, or GAN-train (Ravuri and Vinyals 2019, section 3; Shmelkov et al. 2018): every training image is
replaced by a generated one of the same class. GAN-test is the reverse: a classifier trained on real images classifies the
generated ones. Naive augmentation is half of each. A score equal to that of real images does not mean a good generator: one
that replays its training images has it too (arm `replay`).
"""

from collections.abc import Sequence
from typing import Any, ClassVar

from sparring.core.errors import ConfigError
from sparring.study.base import ArmStudy
from sparring.study.cells.recipes import classic_augmentation, classifier_cell, gan_and_pool, gaussian_mix, images_mix
from sparring.study.cells.subset import check_label_counts, labelled_subset, training_labels
from sparring.study.engine.cell import Cell, Tag
from sparring.study.engine.context import StudyContext
from sparring.study.engine.results import TEST_ACCURACY, Results
from sparring.study.stats.families import judged
from sparring.study.stats.verdict import Comparison
from sparring.study.tables.analysis import Analysis, Plot, Table, arms_table
from sparring.study.tables.cas import METRICS, class_gan_test, gan_test, metrics_table, replicates_table
from sparring.study.tables.comparisons import comparison_table, conclusion, other_differences, primary_first
from sparring.study.tables.limits import shared_images_limit
from sparring.study.tables.pictures import training_pictures
from sparring.study.tables.plots import ACCURACY_LABEL, arms_plot, class_plot
from sparring.study.tables.published import published_table
from sparring.study.tables.text import mean_std

GENERATED = ("generated", "naive")


class CAS(ArmStudy):
    """Arms by what the classifier is trained on, and metrics of the generated images."""

    question = "Can a classifier learn from generated images alone?"
    ARMS: ClassVar[dict[str, str]] = {
        "real": "the real training images: the reference",
        "generated": "generated images only, as many of each class (GAN-train, classification accuracy score)",
        "naive": "half real, half generated images in each batch (naive augmentation score)",
        "gaussian": "only draws from a Gaussian per class, fitted to the real images: a negative control for the GAN",
        "replay": "a generator that has memorised its training images: the score cannot tell it from a good one",
    }

    def __init__(
        self, *, labels_per_class: int | None, steps: int, crop: float, gan: Sequence[str], gan_steps: int, features: str,
        **common: Any,
    ) -> None:  # fmt: skip
        """
        Args:
            labels_per_class: real images of each class for classifier and GAN; None: all.
            steps: of each classifier.
            crop: shift of the classic augmentation of every arm, share of the side.
            gan: overrides of the GAN's training.
            gan_steps: its iterations.
            features: choice of `metric/features` for the metrics of the generated images.
            common: see `ArmStudy`.

        Raises:
            ConfigError: as `ArmStudy`; the primary arm needs no GAN, or real images are not the baseline.
        """
        super().__init__(**common)
        if self.baseline != "real" or self.primary not in GENERATED:
            raise ConfigError(
                f"study.baseline={self.baseline} must be real, and study.primary={self.primary} one of generated, naive."
            )
        self.labels, self.steps, self.crop = labels_per_class, steps, crop
        self.gan, self.gan_steps, self.features = list(gan), gan_steps, features

    # -- cells ---------------------------------------------------------------------------------------------------------

    def cells(self, context: StudyContext) -> list[Cell]:
        if self.labels is not None:
            check_label_counts(context, [self.labels])
            count = self.labels * context.num_classes
        else:
            count = sum(training_labels(context).values())
        return [cell for r in range(self.replicates) for cell in self._replicate(context, r, count)]

    def _replicate(self, context: StudyContext, r: int, count: int) -> list[Cell]:
        """count: generated images, as many as real ones."""
        seeds, pool = self.seeds(r), f"r{r}/pool"
        tags: dict[str, Tag] = {"replicate": r}
        images, augmentation = labelled_subset(context, self.labels, seeds), classic_augmentation(context, self.crop)
        mixes = {
            "generated": images_mix(pool, 1.0),
            "naive": images_mix(pool, 0.5),
            "gaussian": gaussian_mix(max(1, count // context.num_classes), 1.0),
            "replay": ["data/mix=replay", "data.mix.balanced=false", "data.mix.fraction=1.0"],
        }
        cells = gan_and_pool(
            f"r{r}", recipe=self.gan, images=images, steps=self.gan_steps, count=count, seeds=seeds, tags=tags,
            label="prior",
        )  # fmt: skip
        for arm in self.arms:
            overrides = [*images, *augmentation, *mixes.get(arm, [])]
            own = {**tags, "arm": arm}
            cells.append(classifier_cell(f"r{r}/{arm}", overrides, steps=self.steps, seed=seeds.classifier, tags=own))
        common = (f"images=cell:{pool}", f"reference=cell:r{r}/real", "report=false", "splits=[test]")
        quality = (*common, f"metric/features={self.features}", f"metric.names=[{','.join(METRICS)}]")
        agreement = (*common, "metric/features=classifier", f"metric.features.run=cell:r{r}/real",
                     "metric.names=[agreement]")  # fmt: skip
        cells.append(Cell(f"r{r}/quality", "evaluate", quality, {**tags, "part": "quality"}))
        cells.append(Cell(f"r{r}/gan_test", "evaluate", agreement, {**tags, "part": "gan_test"}))
        return cells

    # -- analysis ------------------------------------------------------------------------------------------------------

    def analyse(self, results: Results) -> Analysis:
        pairs = [(arm, self.baseline) for arm in self.others]
        if {"gaussian", "generated"} <= set(self.others):
            pairs.append(("generated", "gaussian"))
        comparisons = primary_first(judged([self._compare(results, *pair) for pair in pairs]))
        primary = comparisons[0]
        alone = primary.arm == "generated"
        verdict = conclusion(
            primary, arm="training on generated images alone" if alone else "replacing half by generated images",
            baseline="training on real images", unit="points", replicates=self.replicates,
        )  # fmt: skip
        sentences = (verdict, self._gan_test_sentence(results), other_differences(comparisons[1:]))
        return Analysis(
            question=self.question,
            conclusion=" ".join(filter(None, sentences)),
            verdict=primary.verdict,
            comparisons=comparisons,
            tables=[
                *self._compared(comparisons),
                metrics_table(results),
                replicates_table(results, [arm for arm in ("real", *GENERATED) if arm in self.arms]),
                arms_table(self.ARMS, self.arms),
                published_table("cas"),
            ],
            plots=self._plots(results),
            pictures=training_pictures(results, {arm: self.ARMS[arm] for arm in self.arms if arm != "replay"}),
            limits=self._limits(results),
        )

    def _compare(self, results: Results, arm: str, baseline: str) -> Comparison:
        return results.compare(
            *TEST_ACCURACY, arm=arm, baseline=baseline, scale=100, smallest_effect=self.smallest_effect,
            primary=(arm, baseline) == (self.primary, self.baseline),
        )  # fmt: skip

    def _compared(self, comparisons: Sequence[Comparison]) -> list[Table]:
        titles = {
            self.baseline: "Test accuracy by what the classifier was trained on",
            "gaussian": "Generated images against draws from a Gaussian",
        }
        by_baseline = {baseline: [each for each in comparisons if each.baseline == baseline] for baseline in titles}
        return [
            comparison_table(each, title=titles[baseline], unit="points", metric=ACCURACY_LABEL, where="")
            for baseline, each in by_baseline.items()
            if each
        ]

    def _gan_test_sentence(self, results: Results) -> str:
        generated = mean_std(gan_test(results))
        real = mean_std(results.values(*TEST_ACCURACY, scale=100, arm="real"))
        return (
            f"A classifier of real images assigns {generated} % of the generated images to the class asked for, and classifies "
            f"{real} % of real ones correctly."
        )

    def _plots(self, results: Results) -> list[Plot]:
        values = {arm: results.values(*TEST_ACCURACY, scale=100, arm=arm) for arm in self.arms}
        shown = [arm for arm in ("real", *GENERATED) if arm in self.arms]
        by_class = class_plot(
            results, shown, title="Accuracy by class", y_label="accuracy, %", more=[class_gan_test(results)]
        )
        return [arms_plot(values, title="Accuracy by training images"), *by_class]

    def _limits(self, results: Results) -> list[str]:
        return [
            "The numbers hold for this classifier, this GAN, this data set and these numbers of steps.",
            shared_images_limit(results, estimated=True),
            "A score near that of real images does not show that the generator makes anything new: see replay and AuthPct.",
            f"Distances are in the features `{self.features}` and cannot be compared with others.",
        ]
