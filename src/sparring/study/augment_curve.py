"""`study=augment_curve`: do images of a GAN, trained on the same few labels, help a classifier on top of classic augmentation?

All arms of a replicate share labelled images, seeds, steps and batch size; added images replace a share of each batch.
"""

from collections.abc import Sequence
from typing import Any

from sparring.config.compose import quoted
from sparring.core.errors import ConfigError
from sparring.study.base import ArmStudy, check_counts, check_fraction
from sparring.study.cells.augment_arms import (
    ARMS,
    COUNTERFACTUAL,
    GENERATED,
    MORE_REAL,
    MUST_HELP,
    OWN_BUDGET,
    UNAUGMENTED,
)
from sparring.study.cells.candidates import Choices, candidate_pools, check_choices
from sparring.study.cells.derived import derived_cells
from sparring.study.cells.recipes import (
    NO_AUGMENTATION,
    classic_augmentation,
    classifier_cell,
    gan_and_pool,
    gaussian_mix,
    images_mix,
)
from sparring.study.cells.subset import check_label_counts, label_counts, labelled_subset
from sparring.study.engine.cell import Cell, Tag
from sparring.study.engine.context import StudyContext
from sparring.study.engine.results import TEST_ACCURACY, Results
from sparring.study.stats.families import judged
from sparring.study.stats.verdict import Comparison, Verdict
from sparring.study.tables.analysis import Analysis
from sparring.study.tables.augment_curve import (
    NEGATIVE_CONTROLS,
    labels_text,
    negative_controls_sentence,
    plots,
    setting_index,
    step_cost,
    tables,
)
from sparring.study.tables.candidates import choice_limits, choices_table, val_accuracy
from sparring.study.tables.comparisons import conclusion, control_first, other_differences
from sparring.study.tables.limits import shared_images_limit
from sparring.study.tables.pictures import training_pictures


class AugmentCurve(ArmStudy):
    """Labels per class x arms, over paired replicates."""

    question = "Do images from a GAN trained on the same labelled images make the classifier more accurate?"
    ARMS = ARMS

    def __init__(
        self, *, labels_per_class: Sequence[int], primary_labels: int | None, steps: int, crop: float, strong: Sequence[str],
        gan: Sequence[str], gan_choices: Choices, gan_steps: int, gan_step_cost: float, flow: Sequence[str], flow_steps: int,
        enhancer: Sequence[str], enhancer_steps: int, outside: Sequence[str], pool: int, fraction: float, **common: Any,
    ) -> None:  # fmt: skip
        """
        Args:
            labels_per_class: the settings.
            primary_labels: the setting of the verdict; None: the smallest.
            steps: of each classifier.
            crop: shift of the classic augmentation, share of the side.
            strong: overrides of the stronger augmentation.
            gan: overrides of the GAN's training.
            gan_choices: further overrides by name, between which val decides, see `check_choices`.
            gan_steps: its iterations.
            gan_step_cost: classifier steps that take as long as one of them, by assumption; the report says what was measured.
            flow, flow_steps: overrides and iterations of the flow's training, for the arm flow.
            enhancer, enhancer_steps: overrides and iterations of the SRGAN's training, for the arm enhanced.
            outside: image sets of the arm outside, as `data.mix.images` takes them.
            pool: generated images per labelled image.
            fraction: share of each batch that is replaced, 0 to 1.
            common: see `ArmStudy`.

        Raises:
            ConfigError: counts that do not fit each other, an arm without what it needs.
        """
        super().__init__(**common)
        check_counts(pool=pool)
        for arm, use in (("pseudo", "predicts the labels"), (COUNTERFACTUAL, "says what another class is")):
            if arm in self.arms and "aug" not in self.arms:
                raise ConfigError(f"study.arms needs aug where it has {arm}: its classifier {use}.")
        if ("outside" in self.arms) != bool(outside):
            raise ConfigError(
                "study.outside=[<.npz, parquet file or folder>] and the arm outside in study.arms need each other."
            )
        self.labels, self.primary_labels = label_counts(labels_per_class, primary_labels)
        self.steps, self.crop, self.strong = steps, crop, list(strong)
        self.gan, self.gan_choices, self.gan_steps = list(gan), check_choices(gan_choices), gan_steps
        self.enhancer, self.enhancer_steps = list(enhancer), enhancer_steps
        self.flow, self.flow_steps, self.outside = list(flow), flow_steps, list(outside)
        self.pool, self.fraction = pool, check_fraction(fraction)
        # Assumed, not measured: the plan must be the same on every call, or finished cells would run again.
        self.gan_step_cost = gan_step_cost
        self.compute_steps = len(self.gan_choices) * (steps + round(gan_step_cost * gan_steps))

    # -- cells ---------------------------------------------------------------------------------------------------------

    def cells(self, context: StudyContext) -> list[Cell]:
        check_label_counts(context, self.labels, more_real=any(arm in MORE_REAL for arm in self.arms))
        replicates = [self._replicate(context, count, r) for count in self.labels for r in range(self.replicates)]
        return [cell for cells in replicates for cell in cells]

    def _replicate(self, context: StudyContext, labels: int, replicate: int) -> list[Cell]:
        seeds, prefix = self.seeds(replicate), f"labels{labels}/r{replicate}"
        tags: dict[str, Tag] = {"labels": labels, "replicate": replicate}
        images = labelled_subset(context, labels, seeds)
        cells = []
        drawn = any(arm in GENERATED for arm in self.arms)
        if drawn or COUNTERFACTUAL in self.arms:
            choices = self.gan_choices if drawn else dict(list(self.gan_choices.items())[:1])
            cells += candidate_pools(
                prefix, choices, recipe=self.gan, augmentation=classic_augmentation(context, self.crop), images=images,
                steps=self.gan_steps, seeds=seeds, tags=tags, count=self.pool * labels * context.num_classes,
            )  # fmt: skip
        if "flow" in self.arms:
            cells += gan_and_pool(
                f"{prefix}/by_flow", recipe=self.flow, images=images, steps=self.flow_steps, seeds=seeds, tags=tags,
                gan="generator", part="flow_", count=self.pool * labels * context.num_classes,
            )  # fmt: skip
        cells += derived_cells(
            self.arms, prefix, generator=f"{prefix}/by_{next(iter(self.gan_choices))}/generator", images=images, seeds=seeds,
            tags=tags, count=labels * context.num_classes, enhancer=self.enhancer, steps=self.enhancer_steps,
        )  # fmt: skip
        for arm in self.arms:
            steps = self.compute_steps if arm == "compute" else self.steps
            for choice in self.gan_choices if arm in GENERATED else [""]:
                name, candidate = (f"{arm}_{choice}", {"candidate": choice}) if choice else (arm, {})
                cells.append(
                    classifier_cell(
                        f"{prefix}/{name}", [*images, *self._arm(arm, context, labels, prefix, choice)], steps=steps,
                        seed=seeds.classifier, tags={**tags, "arm": arm, **candidate},
                    )
                )  # fmt: skip
        return cells

    def _arm(self, arm: str, context: StudyContext, labels: int, prefix: str, choice: str) -> list[str]:
        """Overrides by which the arm differs from the others; choice: among `gan_choices`, of a generated arm."""
        share = f"data.mix.fraction={self.fraction}"
        generated = images_mix(f"{prefix}/by_{choice}/pool", self.fraction)
        mix = {
            "oversample": ["data/mix=replay", share],
            "gaussian": gaussian_mix(self.pool * labels, self.fraction),
            "gan": generated,
            "gan_aug": generated,
            "flow": images_mix(f"{prefix}/by_flow/pool", self.fraction),
            COUNTERFACTUAL: images_mix(f"{prefix}/counterfactuals", self.fraction),
            "enhanced": images_mix(f"{prefix}/by_enhancer/pool", self.fraction),
            "outside": [
                "data/mix=images",
                f"data.mix.images=[{','.join(map(quoted, self.outside))}]",
                "data.mix.provenance=train_split",
                "data.mix.extra_labels=true",
                share,
            ],
            "pseudo": ["data/mix=pseudo", f"data.mix.labeller=cell:{prefix}/aug", share],
            "more_real": ["data/mix=more_real", share],
        }.get(arm, [])
        augmentation = NO_AUGMENTATION if arm in UNAUGMENTED else classic_augmentation(context, self.crop)
        stronger = self.strong if arm == "strong_aug" else []
        return [*augmentation, *stronger, *mix]

    # -- analysis ------------------------------------------------------------------------------------------------------

    def analyse(self, results: Results) -> Analysis:
        candidates = choices_table(
            results, list(self.gan_choices), [arm for arm in self.arms if arm in GENERATED],
            {labels_text(labels): {"labels": labels} for labels in self.labels},
        )  # fmt: skip
        results = results.chosen(val_accuracy)
        comparisons = self._comparisons(results)
        primary = comparisons[0]
        verdict = conclusion(
            primary, arm=f"adding the GAN's images ({primary.arm})" if primary.arm in GENERATED else primary.arm,
            baseline="classic augmentation alone" if self.baseline == "aug" else self.baseline, unit="points",
            replicates=self.replicates,
        )  # fmt: skip
        sentences = (
            control_first(comparisons),
            verdict,
            negative_controls_sentence(primary, comparisons),
            other_differences(comparisons[1:]),
        )
        shown = [arm for arm in self.arms if arm not in OWN_BUDGET and not (arm == "gan_aug" and "gan" in self.arms)]
        titles = {"gan": "gan and gan_aug"} if "gan_aug" in self.arms else {}
        return Analysis(
            question=self.question,
            conclusion=" ".join(filter(None, sentences)),
            verdict=primary.verdict,
            comparisons=comparisons,
            tables=[*tables(self, results, comparisons), *candidates],
            plots=plots(self, results),
            pictures=training_pictures(
                results, {arm: self.ARMS[arm] for arm in shown}, titles=titles, labels=self.primary_labels
            ),
            limits=self._limits(results),
            numbers={
                "compute_steps": self.compute_steps,
                "gan_step_cost": {"assumed": self.gan_step_cost, "measured": step_cost(self, results)},
            },
        )

    def _comparisons(self, results: Results) -> list[Comparison]:
        """The primary one first, then by number of labels, those with the baseline before the others."""
        pairs = [(arm, self.baseline) for arm in self.others]
        if {"real", "gan"} <= set(self.arms) and self.baseline != "real":
            pairs.append(("gan", "real"))
        keys = [(*pair, labels) for pair in pairs for labels in self.labels]
        if self.primary in GENERATED:
            controls = [arm for arm in NEGATIVE_CONTROLS if arm in self.others]
            keys += [(self.primary, arm, self.primary_labels) for arm in controls]
        comparisons = judged([self._compare(results, *key) for key in keys])
        return sorted(
            comparisons,
            key=lambda each: (not each.primary, setting_index(self, each), each.baseline != self.baseline),
        )

    def _compare(self, results: Results, arm: str, baseline: str, labels: int) -> Comparison:
        primary = (arm, baseline, labels) == (self.primary, self.baseline, self.primary_labels)
        control = (arm, baseline, labels) == (MUST_HELP, self.baseline, self.primary_labels) and not primary
        return results.compare(
            *TEST_ACCURACY, arm=arm, baseline=baseline, scale=100, labels=labels, where=labels_text(labels),
            smallest_effect=self.smallest_effect, primary=primary, own_budget=OWN_BUDGET,
            must=Verdict.HELPS if control else None,
        )  # fmt: skip

    def _limits(self, results: Results) -> list[str]:
        return [
            "The numbers hold for this classifier, this GAN, this data set and these numbers of steps.",
            *choice_limits(self.gan_choices if any(arm in GENERATED for arm in self.arms) else ()),
            shared_images_limit(results, estimated=True),
            "One classifier is trained for each arm and replicate, and evaluated once, at its last step.",
        ]
