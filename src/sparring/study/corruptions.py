"""`study=corruptions`: what a classifier keeps of its accuracy and calibration under corruptions it was not trained on.

Accuracy by corruption and severity, and mCE against the baseline of the same replicate (Hendrycks and Dietterich 2019).
"""

from collections.abc import Sequence
from typing import Any, ClassVar

from omegaconf import DictConfig

from sparring.core.errors import ConfigError
from sparring.core.settings import epsilon_text, pixel_fraction
from sparring.study.base import ArmStudy
from sparring.study.cells.recipes import PLAIN, classic, gan_and_pool, images_per_class, judge_cell, labelled, training
from sparring.study.engine.cell import Cell
from sparring.study.engine.results import Results, Tag
from sparring.study.stats.verdict import Comparison, compare
from sparring.study.stats.verdict import corrected as corrected_for_number
from sparring.study.tables.analysis import Analysis, Picture, Table, answer, comparison_table, told_clear
from sparring.study.tables.corruptions import JUDGED, corruption_plots, kinds_table, mce_table, severities_table
from sparring.study.tables.published import anchor_table
from sparring.study.tables.robustness import (
    clean,
    combined_plots,
    combined_table,
    corrupted,
    cost_table,
    left_by,
    values,
)
from sparring.study.tables.training_images import training_picture

TRAINED = "train"  # the tag `part`, beside JUDGED
UNAUGMENTED = ("real",)
MEASURES = {"accuracy under corruptions": corrupted, "accuracy without corruption": clean}


class Corruptions(ArmStudy):
    """Arms by what the classifier is trained on, judged on corrupted test images."""

    question = "Do images from a GAN trained on the same images make the classifier stand more corruption?"
    ARMS: ClassVar[dict[str, str]] = {
        "real": "the real images alone",
        "aug": "real images with classic augmentation: random shifts, mirroring where the data allows it",
        "strong_aug": "real images with stronger augmentation",
        "gan_aug": "as aug, a share of each batch replaced by images of the GAN",
        "gaussian": "as aug, a share replaced by draws from a Gaussian per class: what a generator must beat",
        "pgd_at": "as aug, adversarially trained: each batch is learned at the images that PGD finds within epsilon",
    }

    def __init__(
        self, *, labels_per_class: int | None, epsilon: float | str, steps: int, crop: float, strong: Sequence[str],
        inner_steps: int, gan: Sequence[str], gan_steps: int, pool: int, fraction: float, pgd_steps: int, count: int,
        **common: Any,
    ) -> None:  # fmt: skip
        """labels_per_class: images of each class for classifiers and GAN; None: all. steps: of each classifier.

        epsilon: of arm pgd_at and of the PGD beside the corruptions, fraction of the pixel range. crop: shift of the classic
        augmentation, share of the side. strong: overrides of arm strong_aug. inner_steps: of pgd_at's attack.
        gan, gan_steps: the GAN's training; pool: its images per training image. fraction: of each batch that is replaced.
        pgd_steps: of the PGD; count: test images that are corrupted and attacked, at most.

        Raises:
            ConfigError: as ArmStudy; an epsilon outside (0, 1], counts that do not fit.
        """
        super().__init__(**common)
        if not 0 < fraction < 1 or pool < 1 or count < 1:
            raise ConfigError(
                f"study.fraction={fraction} must be between 0 and 1, study.pool={pool} and study.count={count} at least 1."
            )
        self.labels, self.steps, self.crop, self.inner_steps = labels_per_class, steps, crop, inner_steps
        self.epsilon, self.strong = pixel_fraction(epsilon), list(strong)
        self.gan, self.gan_steps, self.pool, self.fraction = list(gan), gan_steps, pool, fraction
        self.pgd_steps, self.count = pgd_steps, count

    # -- cells ---------------------------------------------------------------------------------------------------------

    def cells(self, config: DictConfig) -> list[Cell]:
        per_class = self.pool * images_per_class(config, self.labels)
        return [cell for r in range(self.replicates) for cell in self._replicate(config, r, per_class)]

    def _replicate(self, config: DictConfig, r: int, per_class: int) -> list[Cell]:
        seeds = self.seeds(r)
        tags: dict[str, Tag] = {"replicate": r}
        images = labelled(config, self.labels, seeds)
        cells = []
        if "gan_aug" in self.arms:
            cells = gan_and_pool(
                f"r{r}", recipe=self.gan, images=images, steps=self.gan_steps, seeds=seeds, tags=tags,
                count=per_class * config.data.num_classes,
            )  # fmt: skip
        judge = ("attack=pgd", f"attack.steps={self.pgd_steps}", f"epsilon={self.epsilon}", f"count={self.count}",
                 "probe=0", f"seed={seeds.classifier}")  # fmt: skip
        for arm in self.arms:
            own: dict[str, Tag] = {**tags, "arm": arm}
            given = (
                "model=classifier", *images, *self._arm(arm, config, f"r{r}", per_class),
                *training(steps=self.steps, seed=seeds.classifier),
            )  # fmt: skip
            cells.append(Cell(f"r{r}/{arm}", "train", given, {**own, "part": TRAINED}))
            cells.append(
                judge_cell(
                    f"r{r}/judge_{arm}", f"r{r}/{arm}", given=judge, tags={**own, "part": JUDGED}, corruptions=True
                )
            )
        return cells

    def _arm(self, arm: str, config: DictConfig, place: str, per_class: int) -> list[str]:
        """What tells the arm from the others."""
        share = f"data.mix.fraction={self.fraction}"
        added = {
            "strong_aug": self.strong,
            "gan_aug": ["data/mix=images", f"data.mix.images=[cell:{place}/pool]", share],
            "gaussian": ["data/mix=gaussian", f"data.mix.per_class={per_class}", share],
            "pgd_at": ["model/robust=pgd_at", f"model.robust.epsilon={self.epsilon}", f"model.robust.steps={self.inner_steps}"],
        }.get(arm, [])  # fmt: skip
        looks = list(PLAIN) if arm in UNAUGMENTED else classic(config, self.crop)
        return [*looks, *added]

    # -- analysis ------------------------------------------------------------------------------------------------------

    def analyse(self, results: Results) -> Analysis:
        results.check_equal(self.arms, [each for arm in self.arms for each in results.find(arm=arm, part=TRAINED)], "")
        found = self._comparisons(results)
        under = found["accuracy under corruptions"]
        primary = next(it for it in under if it.primary)
        said = answer(
            primary, what=f"adding the GAN's images ({primary.arm})" if primary.arm == "gan_aug" else primary.arm,
            baseline="classic augmentation alone" if self.baseline == "aug" else self.baseline,
            unit="points of accuracy under corruptions", replicates=self.replicates,
        )  # fmt: skip
        others = told_clear([it for it in under if not it.primary])
        robust = {f"PGD-{self.pgd_steps}, %": (left_by("pgd", self.epsilon), JUDGED)}
        return Analysis(
            question=self.question, answer=f"{said} Under corruptions, {others}" if others else said,
            verdict=primary.verdict,
            comparisons=sorted((it for each in found.values() for it in each), key=lambda it: not it.primary),
            tables=[
                *[
                    comparison_table(each, title=f"{name.capitalize()}: every arm against {self.baseline}", unit="points",
                                     metric="test accuracy, %", where="setting")
                    for name, each in found.items()
                ],
                combined_table(results, self.arms, robust=robust, against=self.baseline, part=JUDGED),
                kinds_table(results, self.arms), severities_table(results, self.arms),
                mce_table(results, self.arms, self.baseline),
                Table("The arms", ("arm", "what its classifier is trained on"), tuple((a, self.ARMS[a]) for a in self.arms)),
                cost_table(results, {
                    "GAN": {"part": "generator"}, "pool": {"part": "pool"},
                    **{f"training {arm}": {"arm": arm, "part": TRAINED} for arm in self.arms},
                    "corruptions, calibration and PGD of one classifier": {"part": JUDGED},
                }),
                anchor_table("corruptions", {}),
            ],
            plots=[
                *combined_plots(results, self.arms, robust=robust, part=JUDGED),
                *corruption_plots(results, self.arms, kinds_of=(self.baseline, self.primary, "pgd_at")),
            ],
            pictures=self._pictures(results), limits=self._limits(),
        )  # fmt: skip

    def _comparisons(self, results: Results) -> dict[str, list[Comparison]]:
        """By measure, corrected together."""
        arms = [arm for arm in self.arms if arm != self.baseline]
        keys = [(name, arm) for name in MEASURES for arm in arms]
        compared = [
            compare(
                *[values(results, MEASURES[name], arm=each, part=JUDGED) for each in (arm, self.baseline)],
                arm=arm, baseline=self.baseline, smallest_effect=self.smallest_effect, measure=name,
                primary=(name, arm) == ("accuracy under corruptions", self.primary),
            )
            for name, arm in keys
        ]  # fmt: skip
        found: dict[str, list[Comparison]] = {name: [] for name in MEASURES}
        for (name, _), it in zip(keys, corrected_for_number(compared), strict=True):
            found[name].append(it)
        return found

    def _pictures(self, results: Results) -> list[Picture]:
        found = [(arm, results.one(arm=arm, part=TRAINED, replicate=0)) for arm in self.arms if arm != "pgd_at"]
        return [training_picture(each, title=arm, note=self.ARMS[arm]) for arm, each in found if each is not None]

    def _limits(self) -> list[str]:
        return [
            "Corruptions are drawn by sparring, with strengths of its own: numbers are not those of CIFAR-10-C.",
            "No arm was trained on one of the corruptions; the patches of CutMix resemble occlusion, though.",
            f"PGD is that of Linf epsilon {epsilon_text(self.epsilon)}.",
            "All replicates share the test images and, image by image, the draws of each corruption.",
        ]
