"""`study=robust_at`: do generated images make adversarially trained classifiers more robust?

Arms of a replicate share training images, seeds, steps, batch size and augmentation; added images replace a share of each batch
and are attacked like real ones (Gowal et al. 2021, "Improving robustness using generated data"). The page "accurate, robust,
calibrated" holds all arms side by side.
"""

from collections.abc import Sequence
from typing import Any, ClassVar

from omegaconf import DictConfig

from sparring.core.errors import ConfigError
from sparring.core.settings import epsilon_text, pixel_fraction
from sparring.study.base import ArmStudy
from sparring.study.cells.recipes import PLAIN, classic, gan_and_pool, images_per_class, judge_cell, labelled, training
from sparring.study.cells.robust_arms import ARMS, PARTS, POOLED, arm_overrides, perturbed_cells
from sparring.study.engine.cell import Cell, Seeds
from sparring.study.engine.results import Results, Tag
from sparring.study.stats.verdict import Comparison, compare
from sparring.study.stats.verdict import corrected as corrected_for_number
from sparring.study.tables.analysis import Analysis, Picture, Plot, Table, answer, comparison_table, told_clear
from sparring.study.tables.curve import mean_line
from sparring.study.tables.published import anchor_table
from sparring.study.tables.robustness import (
    Read,
    clean,
    combined_plots,
    combined_table,
    corrupted,
    cost_table,
    flags_table,
    left_by,
    values,
)
from sparring.study.tables.training_images import training_picture

TRAINED, JUDGED, STRONGER = "train", "judge", "strong"  # the tag `part`


class RobustAT(ArmStudy):
    """Ways of adversarial training x what is added, over paired replicates."""

    question = "Do images from a GAN trained on the same images make adversarial training more robust?"
    ARMS: ClassVar[dict[str, str]] = ARMS

    def __init__(
        self, *, labels_per_class: int | None, epsilon: float | str, weaker: Sequence[float | str], steps: int, crop: float,
        inner_steps: int, network: Sequence[str], gan: Sequence[str], gan_steps: int, pool: int, fraction: float,
        advgan: Sequence[str], advgan_steps: int, pgd_steps: int, count: int, strong: Sequence[str], strong_count: int,
        **common: Any,
    ) -> None:  # fmt: skip
        """labels_per_class: images of each class for classifiers and GAN; None: all. steps: of each classifier.

        epsilon: of training and judgement, fraction of the pixel range; weaker: further strengths that are judged.
        crop: shift of every arm's augmentation, share of the side, 0: none. inner_steps: of the attack in training.
        network: overrides of every classifier. gan, gan_steps: the GAN's training; pool: its images per training image.
        fraction: share of each batch that is replaced. advgan, advgan_steps: the training of AdvGAN's perturber.
        pgd_steps: of the PGD that judges `count` test images at most.
        strong: overrides of attack.py for a stronger attack on `strong_count` images.

        Raises:
            ConfigError: as ArmStudy; an epsilon outside (0, 1], counts that do not fit.
        """
        super().__init__(**common)
        if not 0 < fraction < 1 or pool < 1:
            raise ConfigError(f"study.fraction={fraction} must be between 0 and 1, study.pool={pool} at least 1.")
        if min(count, strong_count) < 1:
            raise ConfigError(f"study.count={count} and study.strong_count={strong_count} must be at least 1.")
        self._perturbs = any(PARTS[arm][1] == "advgan" for arm in self.arms)
        if self._perturbs and "standard" not in self.arms:
            raise ConfigError("study.arms needs standard where it has pgd_at_advgan: AdvGAN is trained against it.")
        self.advgan, self.advgan_steps = list(advgan), advgan_steps
        self.labels, self.steps, self.crop, self.inner_steps = labels_per_class, steps, crop, inner_steps
        self.epsilon = pixel_fraction(epsilon)
        self.epsilons = sorted({self.epsilon, *map(pixel_fraction, weaker)})
        self.network, self.gan, self.gan_steps = list(network), list(gan), gan_steps
        self.pool, self.fraction = pool, fraction
        self.pgd_steps, self.count, self.strong, self.strong_count = pgd_steps, count, list(strong), strong_count
        chosen = [item.removeprefix("attack=") for item in self.strong if item.startswith("attack=")]
        if not chosen:
            raise ConfigError(f"study.strong={self.strong} must choose an attack, such as attack=ensemble.")
        self.strongest = chosen[-1]

    # -- cells ---------------------------------------------------------------------------------------------------------

    def cells(self, config: DictConfig) -> list[Cell]:
        per_class = self.pool * images_per_class(config, self.labels)
        return [cell for r in range(self.replicates) for cell in self._replicate(config, r, per_class)]

    def _replicate(self, config: DictConfig, r: int, per_class: int) -> list[Cell]:
        """per_class: images of each class in the pool of the GAN, and in that of the Gaussian."""
        seeds = self.seeds(r)
        tags: dict[str, Tag] = {"replicate": r}
        images = labelled(config, self.labels, seeds)
        cells = []
        if any(PARTS[arm][1] in POOLED for arm in self.arms):
            cells = gan_and_pool(
                f"r{r}", recipe=self.gan, images=images, steps=self.gan_steps, seeds=seeds, tags=tags,
                count=per_class * config.data.num_classes,
            )  # fmt: skip
        if self._perturbs:
            perturber = [*self.advgan, *images, *training(steps=self.advgan_steps, seed=seeds.gan)]
            cells += perturbed_cells(r, perturber, epsilon=self.epsilon, seeds=seeds)
        looks = classic(config, self.crop) if self.crop else list(PLAIN)
        for arm in self.arms:
            given = (
                "model=classifier", *images, *looks, *self.network, *self._arm(arm, f"r{r}", per_class),
                *training(steps=self.steps, seed=seeds.classifier),
            )  # fmt: skip
            cells.append(Cell(f"r{r}/{arm}", "train", given, {**tags, "arm": arm, "part": TRAINED}))
            cells += self._judgement(arm, r, seeds)
        return cells

    def _arm(self, arm: str, place: str, per_class: int) -> list[str]:
        return arm_overrides(
            arm, place, epsilon=self.epsilon, steps=self.inner_steps, fraction=self.fraction, per_class=per_class
        )

    def _judgement(self, arm: str, r: int, seeds: Seeds) -> list[Cell]:
        tags: dict[str, Tag] = {"replicate": r, "arm": arm}
        seed, strengths = f"seed={seeds.classifier}", ",".join(map(str, self.epsilons))
        pgd = ("attack=pgd", f"attack.steps={self.pgd_steps}", f"epsilon=[{strengths}]", f"count={self.count}", seed)
        strong = (*self.strong, f"epsilon={self.epsilon}", f"count={self.strong_count}", "probe=0", seed)
        return [
            judge_cell(f"r{r}/judge_{arm}", f"r{r}/{arm}", given=pgd, tags={**tags, "part": JUDGED}, corruptions=True),
            judge_cell(f"r{r}/strong_{arm}", f"r{r}/{arm}", given=strong, tags={**tags, "part": STRONGER}),
        ]

    # -- analysis ------------------------------------------------------------------------------------------------------

    def analyse(self, results: Results) -> Analysis:
        trained = [each for arm in self.arms for each in results.find(arm=arm, part=TRAINED)]
        results.check_equal(self.arms, trained, "")
        found = self._comparisons(results)
        pgd = found[self._pgd]
        primary = next(it for it in pgd if it.primary)
        said = answer(
            primary, what=f"adding the GAN's images ({primary.arm})" if "gan" in primary.arm else primary.arm,
            baseline="adversarial training on real images alone" if self.baseline == "pgd_at" else self.baseline,
            unit=f"points of accuracy under {self._pgd}", replicates=self.replicates,
        )  # fmt: skip
        others = told_clear([it for it in pgd if not it.primary])
        comparisons = sorted((it for each in found.values() for it in each), key=lambda it: not it.primary)
        robust, against = self._robust(), "standard" if "standard" in self.arms else self.baseline
        return Analysis(
            question=self.question, answer=f"{said} Under {self._pgd}, {others}" if others else said,
            verdict=primary.verdict, comparisons=comparisons,
            tables=[
                self._compared(self._pgd, pgd),
                combined_table(results, self.arms, robust=robust, against=against, part=JUDGED),
                *[self._compared(name, each) for name, each in found.items() if name != self._pgd],
                Table("The arms", ("arm", "what its classifier is trained on"), tuple((a, self.ARMS[a]) for a in self.arms)),
                flags_table(results, {arm: {"arm": arm, "part": JUDGED} for arm in self.arms}),
                cost_table(results, self._parts()), anchor_table("robust_at", {}),
            ],
            plots=[*combined_plots(results, self.arms, robust=robust, part=JUDGED), *self._curve(results)],
            pictures=self._pictures(results), limits=self._limits(), numbers={"epsilon": epsilon_text(self.epsilon)},
        )  # fmt: skip

    @property
    def _pgd(self) -> str:
        return f"PGD-{self.pgd_steps} at {epsilon_text(self.epsilon)}"

    @property
    def _stronger(self) -> str:
        return f"stronger attack, {self.strong_count} images"

    def _robust(self) -> dict[str, tuple[Read, str]]:
        """Columns of the combined table: how each is read and where it stands."""
        return {
            f"PGD-{self.pgd_steps}, %": (left_by("pgd", self.epsilon), JUDGED),
            f"{self._stronger}, %": (left_by(self.strongest, self.epsilon), STRONGER),
        }

    def _comparisons(self, results: Results) -> dict[str, list[Comparison]]:
        """By measure, corrected together: every arm against the baseline, and the GAN's images against the Gaussian's."""
        measures = {
            self._pgd: (left_by("pgd", self.epsilon), JUDGED),
            self._stronger: (left_by(self.strongest, self.epsilon), STRONGER),
            "accuracy without an attack": (clean, JUDGED),
            "accuracy under corruptions": (corrupted, JUDGED),
        }
        pairs = [(arm, self.baseline) for arm in self.arms if arm != self.baseline]
        pairs += [
            (a, b) for a, b in (("pgd_at_gan", "pgd_at_gaussian"),) if {a, b} <= set(self.arms) and b != self.baseline
        ]
        keys = [(name, *pair) for name in measures for pair in pairs]
        compared = []
        for name, arm, baseline in keys:
            read, part = measures[name]
            ours, theirs = (values(results, read, arm=each, part=part) for each in (arm, baseline))
            primary = (name, arm, baseline) == (self._pgd, self.primary, self.baseline)
            settings: dict[str, Any] = {"smallest_effect": self.smallest_effect, "measure": name, "primary": primary}
            compared.append(compare(ours, theirs, arm=arm, baseline=baseline, **settings))
        found: dict[str, list[Comparison]] = {name: [] for name in measures}
        for (name, *_), it in zip(keys, corrected_for_number(compared), strict=True):
            found[name].append(it)
        return {name: sorted(each, key=lambda it: it.baseline != self.baseline) for name, each in found.items()}

    def _compared(self, name: str, found: Sequence[Comparison]) -> Table:
        title = f"{name[0].upper()}{name[1:]}: every arm against {self.baseline}"
        return comparison_table(found, title=title, unit="points", metric="test accuracy, %", where="setting")

    def _parts(self) -> dict[str, dict[str, Tag]]:
        """What the cost table tells."""
        return {
            "GAN": {"part": "generator"}, "pool": {"part": "pool"},
            "AdvGAN": {"part": "perturber"}, "images of AdvGAN": {"part": "perturbed"},
            **{f"training {arm}": {"arm": arm, "part": TRAINED} for arm in self.arms},
            "PGD, corruptions and calibration of one classifier": {"part": JUDGED},
            "stronger attack on one classifier": {"part": STRONGER},
        }  # fmt: skip

    def _curve(self, results: Results) -> list[Plot]:
        strengths = {0.0: clean, **{eps: left_by("pgd", eps) for eps in self.epsilons}}
        lines = [
            mean_line(arm, [values(results, read, arm=arm, part=JUDGED) for read in strengths.values()])
            for arm in self.arms
        ]
        title, x = f"Accuracy under PGD-{self.pgd_steps} by strength", tuple(strengths)
        note = "Means and 95 % t intervals over replicates. The strength is a fraction of the pixel range."
        return [Plot(title, "epsilon", "test accuracy, %", x, tuple(lines), note=note)]

    def _pictures(self, results: Results) -> list[Picture]:
        found = [(arm, results.one(arm=arm, part=TRAINED, replicate=0)) for arm in self.arms if PARTS[arm][1]]
        return [training_picture(each, title=arm, note=self.ARMS[arm]) for arm, each in found if each is not None]

    def _limits(self) -> list[str]:
        return [
            f"All strengths are those of Linf attacks; robust training and judgement have epsilon {epsilon_text(self.epsilon)}.",
            "Robust accuracy is what these attacks leave, an upper bound of what a better attack would.",
            "Steps, batches and augmentation are equal. Adversarial training costs several times the computing time per step, "
            "and the GAN's images cost the GAN's training on top: see the costs.",
            f"The stronger attack sees {self.strong_count} of the test images, so its column is noisier and not the same images.",
            "All replicates share the test images, and the training images unless study.labels_per_class is given.",
        ]
