"""`study=borrowed`: few labels of one's own, and images of a generator that somebody else trained on many.

The lender trains a GAN on all training images and gives away some of its images, never the real ones. The borrower has few
labelled images. Arms share labelled images, seeds, steps and batch size; other images replace a share of each batch. Beside it
stands what the borrower can do alone: a GAN of the own labelled images, and a Gaussian per class.
"""

from collections.abc import Sequence
from typing import Any, ClassVar

from sparring.core.errors import ConfigError
from sparring.study.base import ArmStudy, check_counts, check_fraction
from sparring.study.cells.recipes import (
    classic_augmentation,
    classifier_cell,
    gan_and_pool,
    gaussian_mix,
    generator_cell,
    images_mix,
    pool_cell,
)
from sparring.study.cells.subset import check_label_counts, labelled_subset
from sparring.study.engine.cell import Cell, Tag
from sparring.study.engine.context import StudyContext
from sparring.study.engine.results import TEST_ACCURACY, Results
from sparring.study.stats.families import judged
from sparring.study.stats.verdict import Comparison, Verdict
from sparring.study.tables.analysis import Analysis, Table, arms_table
from sparring.study.tables.borrowed import privacy_table
from sparring.study.tables.comparisons import (
    comparison_table,
    conclusion,
    control_first,
    other_differences,
    primary_first,
)
from sparring.study.tables.costs import arm_runs, cost_table
from sparring.study.tables.mcnemar import mcnemar_table
from sparring.study.tables.pictures import training_pictures
from sparring.study.tables.plots import ACCURACY_LABEL, arms_plot, class_plot

FEW = {"borrowed_50": 50, "borrowed_200": 200}  # arm -> images that the lender gives away, of all classes together
BORROWED = (*FEW, "borrowed")
MUST_HELP = "more_real"
PRIVACY = ("authentic", "ratio")  # metrics of the released images against the lender's training images


class Borrowed(ArmStudy):
    """Sources of further images for a borrower with few labels, over paired replicates, each with a lender of its own."""

    question = "Do images of a generator that somebody else trained on many images help a classifier that has few?"
    ARMS: ClassVar[dict[str, str]] = {
        "aug": "the borrower's labelled images with classic augmentation: random shifts, mirroring where the data allows it",
        "own_gan": "as aug, a share of each batch replaced by images of a GAN trained on the borrower's labelled images",
        "gaussian": "as aug, a share replaced by draws from a Gaussian per class of the borrower's images: a negative control",
        "borrowed_50": "as borrowed, from 50 released images",
        "borrowed_200": "as borrowed, from 200 released images",
        "borrowed": "as aug, a share replaced by images of a GAN that the lender trained on all training images and their labels",
        "more_real": "as aug, a share replaced by the lender's real images with their true labels: an upper bound",
    }

    def __init__(
        self, *, labels_per_class: int, steps: int, crop: float, gan: Sequence[str], gan_steps: int, released: int,
        own_pool: int, fraction: float, **common: Any,
    ) -> None:  # fmt: skip
        """
        Args:
            labels_per_class: labelled images of the borrower, of each class.
            steps: of each classifier.
            crop: shift of the classic augmentation, share of the side.
            gan: overrides of the GANs' trainings.
            gan_steps: their iterations.
            released: images that the lender gives away, of all classes together.
            own_pool: images of the own GAN, and draws of the Gaussian, per labelled image.
            fraction: share of each batch that is replaced, 0 to 1.
            common: see `ArmStudy`.

        Raises:
            ConfigError: as `ArmStudy`; fewer released images than an arm takes.
        """
        super().__init__(**common)
        check_counts(labels_per_class=labels_per_class, released=released, own_pool=own_pool)
        for arm in self.arms:
            if FEW.get(arm, 0) > released:
                raise ConfigError(
                    f"study.released={released} is fewer than the {FEW[arm]} images of arm {arm}: release more, or leave it out"
                    " of study.arms."
                )
        self.labels, self.steps, self.crop, self.gan, self.gan_steps = (
            labels_per_class,
            steps,
            crop,
            list(gan),
            gan_steps,
        )
        self.released, self.own_pool, self.fraction = released, own_pool, check_fraction(fraction)

    # -- cells ---------------------------------------------------------------------------------------------------------

    def cells(self, context: StudyContext) -> list[Cell]:
        check_label_counts(context, [self.labels], more_real=MUST_HELP in self.arms)
        return [cell for r in range(self.replicates) for cell in self._replicate(context, r)]

    def _replicate(self, context: StudyContext, r: int) -> list[Cell]:
        seeds, prefix = self.seeds(r), f"r{r}"
        tags: dict[str, Tag] = {"replicate": r}
        images = labelled_subset(context, self.labels, seeds)
        cells = self._lender(context, r) if any(arm in BORROWED for arm in self.arms) else []
        if "own_gan" in self.arms:
            cells += gan_and_pool(
                f"{prefix}/own", recipe=self.gan, images=images, steps=self.gan_steps, seeds=seeds,
                tags={**tags, "from": "own"}, count=self.own_pool * self.labels * context.num_classes,
            )  # fmt: skip
        for arm in self.arms:
            overrides = [*images, *classic_augmentation(context, self.crop), *self._mix(arm, prefix)]
            own = {**tags, "arm": arm}
            cells.append(
                classifier_cell(f"{prefix}/{arm}", overrides, steps=self.steps, seed=seeds.classifier, tags=own)
            )
        return cells

    def _lender(self, context: StudyContext, r: int) -> list[Cell]:
        """The lender's GAN, the image sets of each size, and how near the largest is to the lender's training images."""
        seeds, prefix = self.seeds(r), f"r{r}/lender"
        tags: dict[str, Tag] = {"replicate": r, "from": "lender"}
        everything = labelled_subset(context, None, seeds)
        gan = generator_cell(
            f"{prefix}/gan", recipe=self.gan, images=everything, steps=self.gan_steps, seeds=seeds, tags=tags
        )
        sizes = {arm: FEW.get(arm, self.released) for arm in BORROWED if arm in self.arms}
        pools = [
            pool_cell(f"{prefix}/{arm}", gan.name, count=count, seeds=seeds, tags={**tags, "size": count})
            for arm, count in sizes.items()
        ]
        near = (f"images=cell:{pools[-1].name}", f"reference=cell:{gan.name}", "report=false", "splits=[test]",
                "metric/features=pixels", f"metric.names=[{','.join(PRIVACY)}]")  # fmt: skip
        return [gan, *pools, Cell(f"{prefix}/privacy", "evaluate", near, {**tags, "part": "privacy"})]

    def _mix(self, arm: str, prefix: str) -> list[str]:
        """Overrides by which the arm differs from the others."""
        if arm in BORROWED:  # the lender's labels are what it is about
            return [*images_mix(f"{prefix}/lender/{arm}", self.fraction), "data.mix.extra_labels=true"]
        return {
            "own_gan": images_mix(f"{prefix}/own/pool", self.fraction),
            "gaussian": gaussian_mix(self.own_pool * self.labels, self.fraction),
            "more_real": ["data/mix=more_real", f"data.mix.fraction={self.fraction}"],
        }.get(arm, [])

    # -- analysis ------------------------------------------------------------------------------------------------------

    def analyse(self, results: Results) -> Analysis:
        pairs = [(arm, self.baseline) for arm in self.others]
        if self.primary == "borrowed":
            pairs += [("borrowed", arm) for arm in ("own_gan", "gaussian") if arm in self.others]
        by_pair = judged([self._compare(results, *pair) for pair in pairs])
        comparisons = primary_first(by_pair)
        sentences = [control_first(comparisons), *self._answers(comparisons), other_differences(comparisons[1:])]
        return Analysis(
            question=self.question,
            conclusion=" ".join(filter(None, sentences)),
            verdict=comparisons[0].verdict,
            comparisons=comparisons,
            tables=self._tables(results, comparisons),
            plots=[
                arms_plot(
                    {arm: results.values(*TEST_ACCURACY, scale=100, arm=arm) for arm in self.arms},
                    title="Accuracy by source of the further images",
                ),
                *class_plot(results, [self.baseline, self.primary], title="Accuracy by class"),
            ],
            pictures=training_pictures(results, {arm: self.ARMS[arm] for arm in self.arms if arm not in FEW}),
            limits=self._limits(),
            numbers={"labels_per_class": self.labels, "released": self.released},
        )

    def _answers(self, comparisons: Sequence[Comparison]) -> list[str]:
        """The answer to the primary question, and that of the borrower's own GAN beside it."""
        words = {
            "borrowed": "adding images of the lender's generator",
            "own_gan": "adding images of a GAN of the own labelled images",
        }  # fmt: skip
        asked = [
            each for each in comparisons if each.primary or (each.arm, each.baseline) == ("own_gan", self.baseline)
        ]
        baseline = "the own labelled images with classic augmentation" if self.baseline == "aug" else self.baseline
        return [
            conclusion(
                each, arm=words.get(each.arm, each.arm), baseline=baseline, unit="points", replicates=self.replicates
            )
            for each in asked
        ]

    def _compare(self, results: Results, arm: str, baseline: str) -> Comparison:
        primary = (arm, baseline) == (self.primary, self.baseline)
        control = (arm, baseline) == (MUST_HELP, self.baseline) and not primary
        return results.compare(
            *TEST_ACCURACY, arm=arm, baseline=baseline, scale=100, smallest_effect=self.smallest_effect, primary=primary,
            must=Verdict.HELPS if control else None,
        )  # fmt: skip

    def _tables(self, results: Results, comparisons: Sequence[Comparison]) -> list[Table]:
        order = {arm: index for index, arm in enumerate(self.arms)}
        first = sorted(
            (each for each in comparisons if each.baseline == self.baseline), key=lambda each: order[each.arm]
        )
        others = [each for each in comparisons if each.baseline != self.baseline]
        common = {"unit": "points", "metric": ACCURACY_LABEL, "where": "setting"}
        title = f"Test accuracy with {self.labels} labels per class: own images and borrowed ones"
        between = [comparison_table(others, title="Borrowed images against the borrower's own means", **common)]
        shared = {"GAN of the lender": "lender", "GAN of the borrower": "own"}
        gans = {name: {"part": "generator", "from": source} for name, source in shared.items()}
        return [
            comparison_table(first, title=title, **common),
            *(between if others else []),
            privacy_table(results, PRIVACY),
            arms_table(self.ARMS, self.arms),
            mcnemar_table(results, arm=self.primary, baseline=self.baseline, settings={"replicate 0": {}}),
            cost_table(results, {**gans, **arm_runs(self.arms, gan=False)}),
        ]

    def _limits(self) -> list[str]:
        return [
            "Lender and borrower draw from the same data set: images of another hospital, camera or writer help less.",
            "The lender's labelled images include the borrower's. Test images are among neither's.",
            "The lender chooses nothing by the borrower's result; both GANs have the same recipe and number of steps.",
            "That released images copy no training image does not make them private: no distance proves it.",
            "One classifier is trained for each arm and replicate, and evaluated once, at its last step.",
        ]
