"""`study=corruptions`: what a classifier keeps of its accuracy and calibration under corruptions it was not trained on.

Accuracy by corruption and severity, and mCE against the baseline of the same replicate (Hendrycks and Dietterich 2019).
"""

from collections.abc import Sequence
from typing import Any, ClassVar

from omegaconf import DictConfig

from sparring.attack.epsilon import pixel_fraction, shown
from sparring.errors import ConfigError
from sparring.study.analysis import (
    DASH,
    Analysis,
    Picture,
    Plot,
    Table,
    answer,
    comparison_table,
    number,
    spread,
    told_clear,
)
from sparring.study.anchors import anchor_table
from sparring.study.base import ArmStudy
from sparring.study.cell import Cell
from sparring.study.curve import mean_line
from sparring.study.ingredients import (
    PLAIN,
    check_labels,
    class_sizes,
    classic,
    generator_cell,
    labelled,
    pool_cell,
    training,
)
from sparring.study.judged import (
    clean,
    combined_plots,
    combined_table,
    corrupted,
    cost_table,
    errors,
    judge_cell,
    known,
    left_by,
    mce_values,
    values,
)
from sparring.study.results import Results, Tag
from sparring.study.training_images import training_picture
from sparring.study.verdict import Comparison, compare
from sparring.study.verdict import corrected as corrected_for_number

TRAINED, JUDGED = "train", "judge"  # the tag `part`
UNAUGMENTED = ("real",)
MEASURES = {"accuracy under corruptions": corrupted, "accuracy without corruption": clean}
SEVERITIES = (1, 2, 3, 4, 5)


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
        if self.labels is not None:
            check_labels(config, [self.labels], beyond=False)
        per_class = self.labels or max(1, sum(class_sizes(config).values()) // config.data.num_classes)
        return [cell for r in range(self.replicates) for cell in self._replicate(config, r, self.pool * per_class)]

    def _replicate(self, config: DictConfig, r: int, per_class: int) -> list[Cell]:
        seeds = self.seeds(r)
        tags: dict[str, Tag] = {"replicate": r}
        images = labelled(config, self.labels, seeds)
        cells = []
        if "gan_aug" in self.arms:
            made = per_class * config.data.num_classes
            cells = [
                generator_cell(
                    f"r{r}/gan", recipe=self.gan, images=images, steps=self.gan_steps, seeds=seeds, tags=tags
                ),
                pool_cell(f"r{r}/pool", f"r{r}/gan", count=made, seeds=seeds, tags=tags),
            ]
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
                self._kinds(results), self._severities(results), self._mce(results),
                Table("The arms", ("arm", "what its classifier is trained on"), tuple((a, self.ARMS[a]) for a in self.arms)),
                cost_table(results, {
                    "GAN": {"part": "generator"}, "pool": {"part": "pool"},
                    **{f"training {arm}": {"arm": arm, "part": TRAINED} for arm in self.arms},
                    "corruptions, calibration and PGD of one classifier": {"part": JUDGED},
                }),
                anchor_table("corruptions", {}),
            ],
            plots=[*combined_plots(results, self.arms, robust=robust, part=JUDGED), *self._plots(results)],
            pictures=self._pictures(results), limits=self._limits(),
        )  # fmt: skip

    def _comparisons(self, results: Results) -> dict[str, list[Comparison]]:
        """By measure, corrected together."""
        arms = [arm for arm in self.arms if arm != self.baseline]
        keys = [(name, arm) for name in MEASURES for arm in arms]
        compared = [
            compare(
                *[values(results, MEASURES[name], arm=each, part=JUDGED) for each in (arm, self.baseline)],
                arm=arm, baseline=self.baseline, smallest_effect=self.smallest_effect,
                primary=(name, arm) == ("accuracy under corruptions", self.primary),
            )
            for name, arm in keys
        ]  # fmt: skip
        found: dict[str, list[Comparison]] = {name: [] for name in MEASURES}
        for (name, _), it in zip(keys, corrected_for_number(compared), strict=True):
            found[name].append(it)
        return found

    def _right(self, results: Results, arm: str) -> dict[str, list[list[float]]]:
        """Corruption -> severity -> accuracy in % per replicate that finished."""
        tables = [errors(each) for each in results.find(arm=arm, part=JUDGED)]
        names = list(tables[0]) if tables else []
        return {name: [[100 * (1 - table[name][s - 1]) for table in tables] for s in SEVERITIES] for name in names}

    def _kinds(self, results: Results) -> Table:
        """Mean accuracies at severities 1 to 5, by corruption and arm."""
        right = {arm: self._right(results, arm) for arm in self.arms}
        names = list(dict.fromkeys(name for each in right.values() for name in each))
        rows = [
            (
                name,
                *[
                    " / ".join(number(sum(s) / len(s), 0) for s in right[arm].get(name, [])) or DASH
                    for arm in self.arms
                ],
            )
            for name in names
        ]
        note = "Test accuracy in %, mean over replicates, at severities 1 / 2 / 3 / 4 / 5."
        return Table("Accuracy by corruption and severity", ("corruption", *self.arms), tuple(rows), note)

    def _severities(self, results: Results) -> Table:
        rows = []
        for arm in self.arms:
            right = self._right(results, arm).values()
            by_severity = [
                [_mean(kinds) for kinds in zip(*[each[s - 1] for each in right], strict=True)] for s in SEVERITIES
            ]
            rows.append((arm, *[spread(each) for each in by_severity]))
        head = ("arm", *[f"severity {s}" for s in SEVERITIES])
        return Table("Accuracy by severity", head, tuple(rows), "Mean over corruptions; ± over replicates.")

    def _mce(self, results: Results) -> Table:
        """Replicate by replicate."""
        found = {arm: mce_values(results, arm, self.baseline, part=JUDGED) for arm in self.arms}
        rows = [(arm, spread(known(each)), *[number(value, 3) for value in each]) for arm, each in found.items()]
        head = ("arm", "mean ± sd", *[f"replicate {r}" for r in range(self.replicates)])
        return Table(
            f"mCE against {self.baseline}", head, tuple(rows), "1 is as many errors as the baseline, less is better."
        )

    def _plots(self, results: Results) -> list[Plot]:
        note = "Means and 95 % t intervals over replicates; of single arms, not of the paired differences."
        by_severity, by_kind = [], []
        kinds: list[str] = []
        for arm in self.arms:
            right = self._right(results, arm)
            kinds = list(right) or kinds
            by_severity.append(
                mean_line(arm, [[_mean(k) for k in zip(*[each[s - 1] for each in right.values()], strict=True)]
                                for s in SEVERITIES])
            )  # fmt: skip
            if arm in (self.baseline, self.primary, "pgd_at"):
                by_kind.append(mean_line(arm, [[_mean(k) for k in zip(*each, strict=True)] for each in right.values()]))
        x = tuple(map(float, SEVERITIES))
        return [
            Plot("Accuracy by severity", "severity", "test accuracy, %", x, tuple(by_severity), note=note),
            Plot("Accuracy by corruption", "", "test accuracy, %", tuple(kinds), tuple(by_kind), note=note),
        ]

    def _pictures(self, results: Results) -> list[Picture]:
        found = [(arm, results.one(arm=arm, part=TRAINED, replicate=0)) for arm in self.arms if arm != "pgd_at"]
        return [training_picture(each, title=arm, note=self.ARMS[arm]) for arm, each in found if each is not None]

    def _limits(self) -> list[str]:
        return [
            "Corruptions are drawn by sparring, with strengths of its own: numbers are not those of CIFAR-10-C.",
            "No arm was trained on one of the corruptions; the patches of CutMix resemble occlusion, though.",
            f"PGD is that of Linf epsilon {shown(self.epsilon)}.",
            "All replicates share the test images and, image by image, the draws of each corruption.",
        ]


def _mean(found: Sequence[float]) -> float:
    return sum(found) / len(found)
