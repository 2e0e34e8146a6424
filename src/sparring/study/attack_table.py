"""`study=attack_table`: success and cost of each attack at equal epsilon, on a standard and a robust classifier.

AdvGAN (Xiao et al. 2018) is run on the classifier that it was trained against and on another one, always next to PGD: a
generated attack is a fast attacker, never a certificate.
"""

from collections.abc import Sequence
from typing import Any, ClassVar

from sparring.core.errors import ConfigError
from sparring.core.settings import epsilon_text, pixel_fraction
from sparring.study.base import ArmStudy, check_counts
from sparring.study.cells.recipes import NO_AUGMENTATION, attack_cell, budget, classifier_cell
from sparring.study.cells.subset import check_label_counts, labelled_subset
from sparring.study.engine.cell import Cell, Tag
from sparring.study.engine.context import StudyContext
from sparring.study.engine.results import Results
from sparring.study.stats.families import judged
from sparring.study.stats.verdict import Comparison, compare
from sparring.study.tables.analysis import Analysis, Plot, Table, arms_table
from sparring.study.tables.attack_table import CLASSIFIERS, EVALUATION, attacks_table, robust_warning
from sparring.study.tables.comparisons import comparison_table, other_differences, primary_first
from sparring.study.tables.costs import Tags, cost_table
from sparring.study.tables.pictures import adversarial_pictures
from sparring.study.tables.plots import mean_line
from sparring.study.tables.published import published_table
from sparring.study.tables.robustness import flags_table, success_rate
from sparring.study.tables.text import mean_std

SURROGATE = "surrogate"  # as standard, with another seed: its gradients and outputs are what black-box attacks use
DEFAULT = ("fgsm", "pgd", "apgd", "square")  # of conf/attack/default.yaml
AMORTISED = {
    "advgan": "",
    "advgan_transfer": SURROGATE,
}  # the classifier that the perturber is trained against; "": own
TRAINING, PERTURBER = "training", "perturber"  # the tag `part` of trainings; that of attacks is EVALUATION


class AttackTable(ArmStudy):
    """Attacks (the arms) x classifiers, over paired replicates."""

    question = "How close does a generated attack come to the success of PGD, and at what cost?"
    ARMS: ClassVar[dict[str, str]] = {
        "fgsm": "one gradient step, white box",
        "pgd": "projected gradient descent, white box: what the others are compared with",
        "apgd": "PGD that adapts its step size, white box",
        "square": "random squares, needs logits only",
        "ensemble": "the worst of several attacks on each image, AutoAttack's protocol",
        "transfer": "PGD on another classifier (same recipe, other seed), black box",
        "advgan": "one pass through a perturber that was trained against this classifier",
        "advgan_transfer": "one pass through a perturber that was trained against another classifier (standard, other seed)",
    }

    def __init__(
        self, *, labels_per_class: int | None, epsilon: float | str, steps: int, inner_steps: int, pgd_steps: int,
        square_queries: int, ensemble: Sequence[str], advgan: Sequence[str], advgan_steps: int, count: int, **common: Any,
    ) -> None:  # fmt: skip
        """
        Args:
            labels_per_class: images of each class for all trainings; None: all.
            epsilon: of all attacks and of the robust classifier, fraction of the pixel range.
            steps: of each classifier.
            inner_steps: of the attack in the robust classifier's training.
            pgd_steps: of PGD, also of the transfer.
            square_queries: of Square, per image.
            ensemble: overrides that follow `attack.ensemble.` or `~attack.ensemble.`.
            advgan: overrides of the perturbers' training.
            advgan_steps: its iterations.
            count: test images, at most.
            common: see `ArmStudy`.

        Raises:
            ConfigError: as `ArmStudy`; an epsilon outside (0, 1], no image, or a baseline that is not PGD.
        """
        super().__init__(**common)
        if self.baseline != "pgd":
            raise ConfigError(f"study.baseline={self.baseline} must be pgd: every attack is compared with PGD.")
        check_counts(count=count)
        self.labels, self.steps, self.inner_steps = labels_per_class, steps, inner_steps
        self.epsilon, self.pgd_steps, self.queries = pixel_fraction(epsilon), pgd_steps, square_queries
        self.ensemble, self.advgan, self.advgan_steps, self.count = list(ensemble), list(advgan), advgan_steps, count

    # -- cells ---------------------------------------------------------------------------------------------------------

    @property
    def _trained(self) -> list[str]:
        """The classifiers, with a surrogate where an attack needs one."""
        black_box = {"transfer", "advgan_transfer"} & set(self.arms)
        return [*CLASSIFIERS, *([SURROGATE] if black_box else [])]

    @property
    def _perturbed(self) -> list[str]:
        """The classifiers that a perturber is trained against."""
        own = list(CLASSIFIERS) if "advgan" in self.arms else []
        return [*own, *([SURROGATE] if "advgan_transfer" in self.arms else [])]

    def cells(self, context: StudyContext) -> list[Cell]:
        if self.labels is not None:
            check_label_counts(context, [self.labels])
        return [cell for r in range(self.replicates) for cell in self._replicate(context, r)]

    def _replicate(self, context: StudyContext, r: int) -> list[Cell]:
        seeds = self.seeds(r)
        tags: dict[str, Tag] = {"replicate": r}
        images = [*labelled_subset(context, self.labels, seeds), *NO_AUGMENTATION]
        robust = [
            "model/robust=pgd_at",
            f"model.robust.epsilon={self.epsilon}",
            f"model.robust.steps={self.inner_steps}",
        ]
        cells = []
        for name in self._trained:
            overrides = [*images, *(robust if name == "robust" else [])]
            seed = seeds.gan if name == SURROGATE else seeds.classifier
            own = {**tags, "classifier": name, "part": TRAINING}
            cells.append(classifier_cell(f"r{r}/{name}", overrides, steps=self.steps, seed=seed, tags=own))
        for name in self._perturbed:
            overrides = [
                "model=advgan", f"model.target=cell:r{r}/{name}", f"model.epsilon={self.epsilon}", *self.advgan, *images,
                *budget(steps=self.advgan_steps, seed=seeds.gan),
            ]  # fmt: skip
            own = {**tags, "classifier": name, "part": PERTURBER}
            cells.append(Cell(f"r{r}/advgan_{name}", "train", tuple(overrides), own))
        for name in CLASSIFIERS:
            overrides = [*self._attacks(f"r{r}", name), f"epsilon={self.epsilon}", f"count={self.count}",
                         f"seed={seeds.pool}"]  # fmt: skip
            own = {**tags, "classifier": name, "part": EVALUATION}
            cells.append(attack_cell(f"r{r}/attacks_{name}", f"r{r}/{name}", overrides=overrides, tags=own))
        return cells

    def _attacks(self, prefix: str, classifier: str) -> list[str]:
        """Overrides of attack.py: the arms, each on its own."""
        overrides = ["attack=default", *[f"~attack.{name}" for name in DEFAULT if name not in self.arms]]
        overrides += [f"attack.pgd.steps={self.pgd_steps}"]
        if "square" in self.arms:
            overrides.append(f"attack.square.queries={self.queries}")
        if "ensemble" in self.arms:
            overrides.append("+attack@attack.ensemble=ensemble")
            overrides += [
                f"~attack.ensemble.{item[1:]}" if item.startswith("~") else f"attack.ensemble.{item}"
                for item in self.ensemble
            ]
        if "transfer" in self.arms:
            overrides += ["+attack@attack.transfer=transfer", f"attack.transfer.run=cell:{prefix}/{SURROGATE}",
                          f"attack.transfer.attack.steps={self.pgd_steps}"]  # fmt: skip
        for name, target in AMORTISED.items():
            if name in self.arms:
                run = f"{prefix}/advgan_{target or classifier}"
                overrides += [f"+attack@attack.{name}=advgan", f"attack.{name}.run=cell:{run}"]
        return overrides

    # -- analysis ------------------------------------------------------------------------------------------------------

    def analyse(self, results: Results) -> Analysis:
        results.check_equal(self._trained, results.find(part=TRAINING), "")
        by_classifier = self._comparisons(results)
        comparisons = primary_first(by_classifier)
        warning = robust_warning(results, self.baseline, self.epsilon)
        attacked: dict[str, Tags] = {name: {"classifier": name, "part": EVALUATION} for name in CLASSIFIERS}
        return Analysis(
            question=self.question,
            conclusion=" ".join(
                filter(None, (warning, self._success_sentence(results), other_differences(comparisons)))
            ),
            verdict=None,
            comparisons=comparisons,
            tables=[
                attacks_table(results, self.arms, self.epsilon),
                self._compared(by_classifier),
                arms_table(self.ARMS, self.arms, title="The attacks", columns=("attack", "what it does")),
                arms_table(
                    CLASSIFIERS,
                    list(CLASSIFIERS),
                    title="The classifiers",
                    columns=("classifier", "how it was trained"),
                ),
                flags_table(results, attacked),
                cost_table(results, self._runs(attacked)),
                published_table("attack_table"),
            ],
            plots=[self._plot(results)],
            pictures=adversarial_pictures(results, attacked),
            pictures_title="Adversarial images",
            limits=self._limits(),
            numbers={"epsilon": epsilon_text(self.epsilon)},
        )

    def _success(self, results: Results, attack: str, classifier: str) -> list[float]:
        """Success rate in %, per replicate."""
        return results.read(success_rate(attack, self.epsilon), classifier=classifier, part=EVALUATION)

    def _comparisons(self, results: Results) -> list[Comparison]:
        """Success of every attack against PGD's on the same classifier."""
        return judged([
            compare(
                self._success(results, arm, name), self._success(results, self.baseline, name), arm=arm,
                baseline=self.baseline, smallest_effect=self.smallest_effect, measure="attack success rate",
                where=f"the {name} classifier",
                primary=(name, arm) == ("standard", self.primary), levels=results.levels,
            )
            for name in CLASSIFIERS
            for arm in self.others
        ])  # fmt: skip

    def _success_sentence(self, results: Results) -> str:
        """Success of the primary attack and of PGD, on both classifiers."""
        parts = []
        for name in CLASSIFIERS:
            primary, pgd = (mean_std(self._success(results, arm, name)) for arm in (self.primary, self.baseline))
            parts.append(
                f"on the {name} classifier {self.primary} turns {primary} % of the correctly classified images into errors, "
                f"PGD-{self.pgd_steps} {pgd} %"
            )
        return f"At epsilon {epsilon_text(self.epsilon)}, {'; '.join(parts)}."

    def _compared(self, comparisons: Sequence[Comparison]) -> Table:
        return comparison_table(
            comparisons, title="Success of every attack against PGD", unit="points", metric="success, %",
            where="classifier", note="HELPS: the attack succeeds on more images than PGD does, HURTS: on fewer.",
        )  # fmt: skip

    def _runs(self, attacked: dict[str, Tags]) -> dict[str, Tags]:
        """Rows of the cost table."""
        trainings: dict[str, Tags] = {
            f"training the {name} classifier": {"classifier": name, "part": TRAINING}
            for name in (*CLASSIFIERS, SURROGATE)
        }
        perturbers: dict[str, Tags] = {
            f"training AdvGAN against {name}": {"classifier": name, "part": PERTURBER} for name in self._perturbed
        }
        return {**trainings, **perturbers, **{f"all attacks on {name}": tags for name, tags in attacked.items()}}

    def _plot(self, results: Results) -> Plot:
        lines = [mean_line(name, [self._success(results, arm, name) for arm in self.arms]) for name in CLASSIFIERS]
        note = "Means and 95 % t intervals over replicates."
        title = f"Success at epsilon {epsilon_text(self.epsilon)}"
        return Plot(title, "", "success, %", tuple(self.arms), tuple(lines), note=note)

    def _limits(self) -> list[str]:
        return [
            f"All attacks have the same Linf epsilon {epsilon_text(self.epsilon)} and the same images.",
            "A small success of AdvGAN says nothing about robustness: PGD at the same epsilon does.",
            "The perturbers were trained on the training images and their labels, the other attacks need none.",
            "The surrogate has the recipe of the standard classifier; another architecture would transfer less.",
        ]
