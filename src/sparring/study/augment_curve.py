"""`study=augment_curve`: do images of a GAN, trained on the same few labels, help the classifier beside classic augmentation?

All arms of a replicate share labelled images, seeds, steps and batch size; added images replace a share of each batch.
"""

from collections.abc import Sequence
from typing import Any, ClassVar

from omegaconf import DictConfig

from sparring.core.errors import ConfigError
from sparring.study.base import ArmStudy
from sparring.study.cells.recipes import (
    PLAIN,
    check_labels,
    classic,
    generator_cell,
    label_counts,
    labelled,
    pool_cell,
    training,
)
from sparring.study.engine.cell import Cell
from sparring.study.engine.results import Results, Tag
from sparring.study.stats.verdict import Comparison, corrected
from sparring.study.tables.analysis import Analysis, Picture, answer, told_clear
from sparring.study.tables.augment_curve import ACCURACY, NULLS, place, plots, step_cost, tables, told_nulls
from sparring.study.tables.training_images import training_picture

GENERATED = ("gan", "gan_aug")
BEYOND = ("pseudo", "more_real")  # use real images beyond the labelled ones
UNAUGMENTED = ("real", "gan")
OWN_BUDGET = ("compute",)


class AugmentCurve(ArmStudy):
    """Labels per class x arms, over paired replicates."""

    question = "Do images from a GAN trained on the same labelled images make the classifier more accurate?"
    ARMS: ClassVar[dict[str, str]] = {
        "real": "the labelled images alone",
        "aug": "labelled images with classic augmentation: random shifts, mirroring where the data allows it",
        "strong_aug": "labelled images with stronger augmentation",
        "oversample": "as aug, a share of each batch replaced by the same labelled images again, every class equally often",
        "gaussian": "as aug, a share replaced by draws from a Gaussian per class: what a generator must beat",
        "gan": "as real, a share replaced by images of the GAN",
        "gan_aug": "as aug, a share replaced by images of the GAN",
        "pseudo": "as aug, a share replaced by further real images with labels guessed by the aug classifier",
        "more_real": "as aug, a share replaced by further real images with their true labels: the ceiling",
        "compute": "as aug, trained for the steps that the GAN's computing time would pay for",
    }

    def __init__(
        self, *, labels_per_class: Sequence[int], primary_labels: int | None, steps: int, crop: float, strong: Sequence[str],
        gan: Sequence[str], gan_steps: int, gan_step_cost: float, pool: int, fraction: float, **common: Any,
    ) -> None:  # fmt: skip
        """labels_per_class: the settings; primary_labels: the one of the verdict, None: the smallest. steps: of each classifier.

        crop: shift of the classic augmentation, as a share of the side. strong: overrides of the strong one.
        gan: overrides of the GAN's training; gan_steps: its iterations, each as costly as `gan_step_cost` of a
        classifier by assumption; the costs in the report say what was measured.
        pool: generated images per labelled image. fraction: share of each batch that is replaced, 0 to 1.

        Raises:
            ConfigError: counts that do not fit each other, an arm without what it needs.
        """
        super().__init__(**common)
        if not 0 < fraction < 1 or pool < 1:
            raise ConfigError(f"study.fraction={fraction} must be between 0 and 1, study.pool={pool} at least 1.")
        if "pseudo" in self.arms and "aug" not in self.arms:
            raise ConfigError("study.arms needs aug where it has pseudo: its classifier guesses the labels.")
        self.labels, self.primary_labels = label_counts(labels_per_class, primary_labels)
        self.steps = steps
        self.crop, self.strong, self.gan, self.gan_steps = crop, list(strong), list(gan), gan_steps
        self.pool, self.fraction = pool, fraction
        # Assumed, not measured here: the plan must be the same on every call, or finished cells would not be found again.
        self.gan_step_cost, self.compute_steps = gan_step_cost, steps + round(gan_step_cost * gan_steps)

    # -- cells ---------------------------------------------------------------------------------------------------------

    def cells(self, config: DictConfig) -> list[Cell]:
        check_labels(config, self.labels, beyond=any(arm in BEYOND for arm in self.arms))
        each = [self._replicate(config, count, r) for count in self.labels for r in range(self.replicates)]
        return [cell for cells in each for cell in cells]

    def _replicate(self, config: DictConfig, labels: int, replicate: int) -> list[Cell]:
        seeds, place = self.seeds(replicate), f"labels{labels}/r{replicate}"
        tags: dict[str, Tag] = {"labels": labels, "replicate": replicate}
        images = labelled(config, labels, seeds)
        cells = []
        if any(arm in GENERATED for arm in self.arms):
            count = self.pool * labels * config.data.num_classes
            cells += [
                generator_cell(
                    f"{place}/generator", recipe=self.gan, images=images, steps=self.gan_steps, seeds=seeds, tags=tags
                ),
                pool_cell(f"{place}/pool", f"{place}/generator", count=count, seeds=seeds, tags=tags),
            ]
        for arm in self.arms:
            steps = self.compute_steps if arm == "compute" else self.steps
            given = (
                "model=classifier",
                *images,
                *self._arm(arm, config, labels, place),
                *training(steps=steps, seed=seeds.classifier),
            )
            cells.append(Cell(f"{place}/{arm}", "train", given, {**tags, "arm": arm}))
        return cells

    def _arm(self, arm: str, config: DictConfig, labels: int, place: str) -> list[str]:
        """What tells the arm from the others."""
        added = {
            "oversample": ["data/mix=replay"],
            "gaussian": ["data/mix=gaussian", f"data.mix.per_class={self.pool * labels}"],
            "gan": ["data/mix=images", f"data.mix.images=[cell:{place}/pool]"],
            "gan_aug": ["data/mix=images", f"data.mix.images=[cell:{place}/pool]"],
            "pseudo": ["data/mix=pseudo", f"data.mix.labeller=cell:{place}/aug"],
            "more_real": ["data/mix=more_real"],
        }.get(arm, [])
        looks = list(PLAIN) if arm in UNAUGMENTED else classic(config, self.crop)
        stronger = self.strong if arm == "strong_aug" else []
        return [*looks, *stronger, *added, *([f"data.mix.fraction={self.fraction}"] if added else [])]

    # -- analysis ------------------------------------------------------------------------------------------------------

    def analyse(self, results: Results) -> Analysis:
        against = [arm for arm in self.arms if arm != self.baseline]
        pairs = [(arm, self.baseline) for arm in against]
        if {"real", "gan"} <= set(self.arms) and self.baseline != "real":
            pairs.append(("gan", "real"))
        keys = [(*pair, labels) for pair in pairs for labels in self.labels]
        if self.primary in GENERATED:
            nulls = [arm for arm in NULLS if arm in self.arms and arm != self.baseline]
            keys += [(self.primary, arm, self.primary_labels) for arm in nulls]
        found = corrected([self._compare(results, *key) for key in keys])
        comparisons = sorted(found, key=lambda it: (not it.primary, place(self, it), it.baseline != self.baseline))
        primary = comparisons[0]
        said = answer(
            primary, what=f"adding the GAN's images ({primary.arm})" if primary.arm in GENERATED else primary.arm,
            baseline="classic augmentation alone" if self.baseline == "aug" else self.baseline, unit="points",
            replicates=self.replicates,
        )  # fmt: skip
        return Analysis(
            question=self.question, verdict=primary.verdict,
            answer=" ".join(filter(None, (said, told_nulls(primary, comparisons), told_clear(comparisons[1:])))),
            comparisons=comparisons, tables=tables(self, results, comparisons), plots=plots(self, results),
            pictures=list(self._pictures(results)), limits=self._limits(),
            numbers={
                "compute_steps": self.compute_steps,
                "gan_step_cost": {"assumed": self.gan_step_cost, "measured": step_cost(self, results)},
            },
        )  # fmt: skip

    def _compare(self, results: Results, arm: str, baseline: str, labels: int) -> Comparison:
        primary = (arm, baseline, labels) == (self.primary, self.baseline, self.primary_labels)
        return results.compare(
            *ACCURACY, arm=arm, baseline=baseline, scale=100, labels=labels, where=f"{labels} labels per class",
            smallest_effect=self.smallest_effect, primary=primary, own_budget=OWN_BUDGET,
        )  # fmt: skip

    def _pictures(self, results: Results) -> list[Picture]:
        pictures = []
        shown = [arm for arm in self.arms if arm not in OWN_BUDGET and not (arm == "gan_aug" and "gan" in self.arms)]
        for arm in shown:
            each = results.one(arm=arm, labels=self.primary_labels, replicate=0)
            if each is not None:
                title = "gan and gan_aug" if arm == "gan" and "gan_aug" in self.arms else arm
                pictures.append(training_picture(each, title=title, note=self.ARMS[arm]))
        return pictures

    def _limits(self) -> list[str]:
        return [
            "The numbers hold for this classifier, this GAN, this data set and these numbers of steps.",
            "The GAN's recipe and the augmentation are as given and were not tuned within the study; the shipped ones for digits "
            "were chosen on validation images.",
            "All replicates share the test images: the intervals say how far labels and seeds move the result, not how far "
            "another test set would.",
            "One classifier is trained for each arm and replicate, and judged once, at its last step.",
        ]
