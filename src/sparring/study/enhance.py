"""`study=enhance`: images arrive small and noisy; does it help a classifier to make them better first?

The protocol of SR4IR (Kim et al. 2024): H->T learns from originals and is tested on them, L->T learns from degraded images, S->T
from what an enhancer makes of them. L->T is the honest baseline: a classifier of originals that is shown degraded images
(the arms `..._fixed`) is the weak one. All classifiers of a replicate have the same images, seeds, steps and batch size, and are
tested on the same degraded images, noise included.
"""

import math
from collections.abc import Sequence
from typing import Any, ClassVar

from sparring.core.errors import ConfigError
from sparring.study.base import ArmStudy, check_counts
from sparring.study.cells.recipes import budget, classic_augmentation, classifier_cell
from sparring.study.cells.subset import check_label_counts, labelled_subset
from sparring.study.engine.cell import Cell, Seeds, Tag
from sparring.study.engine.context import StudyContext
from sparring.study.engine.results import TEST_ACCURACY, CellResult, Results
from sparring.study.engine.shared import test_image_variance
from sparring.study.stats.families import judged
from sparring.study.stats.verdict import Comparison, Verdict, compare
from sparring.study.tables.analysis import Analysis, Picture, Table, arms_table
from sparring.study.tables.comparisons import (
    comparison_table,
    conclusion,
    control_first,
    other_differences,
    primary_first,
)
from sparring.study.tables.costs import arm_runs, cost_table, relative_step_cost, step_cost_sentence
from sparring.study.tables.enhance import fixed_classifier, quality_tables, version_rows
from sparring.study.tables.plots import ACCURACY_LABEL, arms_plot
from sparring.study.tables.published import published_table

ENHANCERS = ("restorer", "srgan", "task_srgan")
VERSIONS = ("bicubic", *ENHANCERS)
FIXED = "_fixed"  # of an arm whose classifier has learned from originals alone
MUST_HELP = "original"
PICTURE = "degraded, bicubic, {enhancers}, original; test images of replicate 0"


class Enhance(ArmStudy):
    """What a classifier is shown of degraded images, and what it has learned from, over paired replicates."""

    question = "Does enhancing degraded images make a classifier more accurate than learning from the degraded ones?"
    ARMS: ClassVar[dict[str, str]] = {
        "original": "originals, tested on originals (H->T): an upper bound",
        "small": "degraded images at their own size",
        "bicubic": "degraded images, enlarged without learning (L->T)",
        "compute": "as bicubic, trained for the steps that the training of an enhancer would pay for",
        "restorer": "what a network makes of degraded images that was trained on pixels alone",
        "srgan": "as restorer, its network also trained against a discriminator",
        "task_srgan": "as srgan, its network also trained by features and answers of the classifier of originals",
        **{f"{name}{FIXED}": f"originals, tested on the images of {name}" for name in VERSIONS},
    }

    def __init__(
        self, *, labels_per_class: int | None, steps: int, crop: float, degradation: Sequence[str], enhancer: Sequence[str],
        gan: Sequence[str], task: Sequence[str], enhancer_steps: int, gan_step_cost: float, **common: Any,
    ) -> None:  # fmt: skip
        """
        Args:
            labels_per_class: training images of each class, for classifiers and enhancers; None: all.
            steps: of each classifier.
            crop: shift of every arm's augmentation, share of the side.
            degradation: overrides that choose it.
            enhancer: overrides of every enhancer's training; gan: further ones of both SRGANs; task: of the task-driven one.
            enhancer_steps: iterations of each enhancer.
            gan_step_cost: classifier steps that take as long as one of them, by assumption, for the arm compute.
            common: see `ArmStudy`.

        Raises:
            ConfigError: as `ArmStudy`; an arm without the others that it needs.
        """
        super().__init__(**common)
        check_counts(steps=steps, enhancer_steps=enhancer_steps)
        fixed = [arm for arm in self.arms if arm.endswith(FIXED)]
        self.enhancers = [name for name in ENHANCERS if name in self.arms or f"{name}{FIXED}" in self.arms]
        for arm in (*fixed, *(["task_srgan"] if "task_srgan" in self.enhancers else [])):
            if "original" not in self.arms:
                raise ConfigError(
                    f"study.arms needs original where it has {arm}: its classifier is the one that is used."
                )
        if fixed and not self.enhancers:
            raise ConfigError(f"study.arms needs one of {', '.join(ENHANCERS)} where it has {fixed[0]}.")
        self.labels, self.steps, self.crop, self.enhancer_steps = labels_per_class, steps, crop, enhancer_steps
        self.degradation, self.enhancer = list(degradation), list(enhancer)
        self.gan, self.task = list(gan), list(task)
        self.gan_step_cost, self.compute_steps = gan_step_cost, steps + round(gan_step_cost * enhancer_steps)
        if self.primary.removesuffix(FIXED) == "task_srgan":
            self.compute_steps += steps  # of the classifier of originals, which it learns from

    # -- cells ---------------------------------------------------------------------------------------------------------

    def cells(self, context: StudyContext) -> list[Cell]:
        if self.labels is not None:
            check_label_counts(context, [self.labels])
        return [cell for r in range(self.replicates) for cell in self._replicate(context, r)]

    def _replicate(self, context: StudyContext, r: int) -> list[Cell]:
        seeds, prefix = self.seeds(r), f"r{r}"
        tags: dict[str, Tag] = {"replicate": r}
        images = labelled_subset(context, self.labels, seeds)
        cells = [self._enhancer(name, images, seeds, prefix, tags) for name in self.enhancers]
        for arm in self.arms:
            if not arm.endswith(FIXED):
                overrides = [*images, *classic_augmentation(context, self.crop), *self._shown(arm, prefix)]
                cells.append(
                    classifier_cell(
                        f"{prefix}/{arm}", overrides, steps=self.compute_steps if arm == "compute" else self.steps,
                        seed=seeds.classifier, tags={**tags, "arm": arm},
                        model="classifier" if arm == "original" else "degraded_classifier",
                    )
                )  # fmt: skip
        if self.enhancers:
            runs = [f"cell:{prefix}/enhancers/{name}" for name in self.enhancers]
            judge = [f"classifier=cell:{prefix}/original"] if "original" in self.arms else []
            beside = f"beside=[{','.join(runs[1:])}]"
            given = (f"run={runs[0]}", beside, *judge, f"seed={seeds.classifier}", "count=null")
            cells.append(Cell(f"{prefix}/versions", "enhance", given, {**tags, "part": "versions"}))
        return cells

    def _enhancer(self, name: str, images: Sequence[str], seeds: Seeds, prefix: str, tags: dict[str, Tag]) -> Cell:
        """The training of an enhancer, on originals without augmentation."""
        own = {
            "restorer": ["model=restorer"],
            "srgan": ["model=srgan", *self.gan],
            "task_srgan": ["model=srgan", *self.gan, *self.task, f"model.classifier=cell:{prefix}/original"],
        }[name]
        chosen = (*own, *self.degradation, *self.enhancer, "data.flip=false", "data.crop=0", *images)
        length = budget(steps=self.enhancer_steps, seed=seeds.gan)
        return Cell(
            f"{prefix}/enhancers/{name}", "train", (*chosen, *length), {**tags, "part": "enhancer", "kind": name}
        )

    def _shown(self, arm: str, prefix: str) -> list[str]:
        """Overrides by which an arm's images differ from the originals."""
        if arm == "original":
            return []
        if arm in ENHANCERS:
            return [*self.degradation, f"model.restored_by=cell:{prefix}/enhancers/{arm}"]
        return [*self.degradation, f"model.enlarge={str(arm != 'small').lower()}"]

    # -- analysis ------------------------------------------------------------------------------------------------------

    def analyse(self, results: Results) -> Analysis:
        retrained = [arm for arm in self.arms if not arm.endswith(FIXED)]
        equal = [arm for arm in retrained if arm != "compute"]
        results.check_equal(equal, [each for arm in equal for each in results.find(arm=arm)], "")
        results.check_equal(self.enhancers, results.find(part="enhancer"), "")
        pairs = [(arm, self.baseline) for arm in self.others]
        pairs += [(self.primary, arm) for arm in ("small", "compute") if arm in self.others and arm != self.primary]
        comparisons = primary_first(judged([self._compare(results, *pair) for pair in pairs]))
        primary, accuracy = comparisons[0], {arm: self._accuracies(results, arm) for arm in self.arms}
        verdict = conclusion(
            primary, arm=f"{primary.arm} ({self.ARMS[primary.arm]})", unit="points",
            baseline=f"{primary.baseline} ({self.ARMS[primary.baseline]})", replicates=self.replicates,
        )  # fmt: skip
        sentences = (control_first(comparisons), verdict, other_differences(comparisons[1:]), self._cost(results))
        return Analysis(
            question=self.question,
            conclusion=" ".join(filter(None, sentences)),
            verdict=primary.verdict,
            comparisons=comparisons,
            tables=[*self._compared(comparisons), *self._quality(results, accuracy), arms_table(self.ARMS, self.arms),
                    cost_table(results, {**{f"training of {name}": {"kind": name} for name in self.enhancers},
                                         **arm_runs(retrained, gan=False)}),
                    published_table("enhance")],
            plots=[arms_plot(accuracy, title="Accuracy by what the classifier has learned from, and is shown")],
            pictures=self._pictures(results),
            pictures_title="The images",
            limits=self._limits(),
            numbers={"compute_steps": self.compute_steps, "degradation": self.degradation},
        )  # fmt: skip

    def _judged(self, results: Results, arm: str, replicate: int) -> CellResult | None:
        """The classifier of an arm with its answers to the arm's test images."""
        if not arm.endswith(FIXED):
            return results.one(arm=arm, replicate=replicate)
        return fixed_classifier(results, replicate, self._column(arm.removesuffix(FIXED)))

    def _column(self, name: str) -> str:
        """The name of a version of the images in the result of enhance.py."""
        return "enhanced" if self.enhancers and name == self.enhancers[0] else name

    def _accuracies(self, results: Results, arm: str) -> list[float]:
        cells = [self._judged(results, arm, r) for r in range(self.replicates)]
        return [math.nan if each is None else 100 * float(each.get(*TEST_ACCURACY)) for each in cells]

    def _compare(self, results: Results, arm: str, baseline: str) -> Comparison:
        judged_cells = [[self._judged(results, name, r) for name in (arm, baseline)] for r in range(self.replicates)]
        pairs = [(ours, theirs) for ours, theirs in judged_cells if ours is not None and theirs is not None]
        ours, theirs = self._accuracies(results, arm), self._accuracies(results, baseline)
        images = test_image_variance(pairs, scale=100, balanced=False)
        primary = (arm, baseline) == (self.primary, self.baseline)
        control = (arm, baseline) == (MUST_HELP, self.baseline) and not primary
        return compare(
            ours, theirs, arm=arm, baseline=baseline, smallest_effect=self.smallest_effect, primary=primary,
            must=Verdict.HELPS if control else None, levels=results.levels,
            shared_variance=max(images, results.training_variance(ours, theirs, pairs)),
        )  # fmt: skip

    def _compared(self, comparisons: Sequence[Comparison]) -> list[Table]:
        order = {arm: index for index, arm in enumerate(self.arms)}
        first = sorted(
            (each for each in comparisons if each.baseline == self.baseline), key=lambda each: order[each.arm]
        )
        others = [each for each in comparisons if each.baseline != self.baseline]
        common = {"unit": "points", "metric": ACCURACY_LABEL}
        tables = [comparison_table(first, title="Test accuracy by what the classifier has learned from, and is shown",
                                   where="", **common)]  # fmt: skip
        title = f"{self.primary} against what else could be done with degraded images"
        return [*tables, *([comparison_table(others, title=title, where="setting", **common)] if others else [])]

    def _quality(self, results: Results, accuracy: dict[str, list[float]]) -> list[Table]:
        """PSNR and the like beside accuracy, and how they rank."""
        versions = ("bicubic", *self.enhancers) if self.enhancers else ()
        rows = {name: version_rows(results, self._column(name)) for name in versions}
        return quality_tables(rows, {"fixed": FIXED, "retrained": ""}, accuracy) if rows else []

    def _cost(self, results: Results) -> str:
        if "compute" not in self.arms or not self.enhancers:
            return ""
        classifiers = [each for arm in ("bicubic", "compute") if arm in self.arms for each in results.find(arm=arm)]
        kind = self.primary.removesuffix(FIXED)
        of_primary = {"kind": kind} if kind in self.enhancers else {}
        measured = relative_step_cost(results.find(part="enhancer", **of_primary), classifiers)
        return step_cost_sentence(measured, assumed=self.gan_step_cost)

    def _pictures(self, results: Results) -> list[Picture]:
        each = results.one(part="versions", replicate=0) if self.enhancers else None
        if each is None:
            return []
        return [
            Picture(
                "Test images",
                f"cells/{each.cell.name}/images/comparison.png",
                PICTURE.format(enhancers=", ".join(self.enhancers)),
            )
        ]

    def _limits(self) -> list[str]:
        return [
            "One kind and strength of degradation, known and the same in training and test; enhancers and classifiers are small.",
            "The weights of the enhancers' losses and their numbers of steps are as given and were not tuned within the study.",
            "An enhancer costs its own training, which the arm compute has, and time for every image that is classified.",
            "One classifier is trained for each arm and replicate, and evaluated once, at its last step.",
        ]
