"""`study=attack_table`: what each attack turns wrong at equal epsilon and at what cost, on a standard and a robust classifier.

AdvGAN (Xiao et al. 2018) is shown on the classifier it was trained against and on one it never saw, always beside PGD: a
generated attack is a fast attacker, never a certificate.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from omegaconf import DictConfig

from sparring.core.errors import ConfigError
from sparring.core.settings import epsilon_text, pixel_fraction
from sparring.study.base import ArmStudy
from sparring.study.cells.recipes import PLAIN, check_labels, judge_cell, labelled, training
from sparring.study.engine.cell import Cell
from sparring.study.engine.results import CellResult, Results, Tag
from sparring.study.stats.verdict import Comparison, compare, corrected
from sparring.study.tables.analysis import DASH, Analysis, Picture, Plot, Table, comparison_table, spread, told_clear
from sparring.study.tables.curve import mean_line
from sparring.study.tables.published import anchor_table
from sparring.study.tables.robustness import cost_table, flags_table, fooled_by, known, row, values

NETS = {
    "standard": "trained on real images, without attacks",
    "robust": "the same, adversarially trained with PGD at the study's epsilon",
}
SURROGATE = "surrogate"  # as standard, with another seed: what black-box attacks look at
DEFAULT = ("fgsm", "pgd", "apgd", "square")  # of conf/attack/default.yaml
AMORTISED = {"advgan": "", "advgan_transfer": SURROGATE}  # whose perturber: that of the attacked net, or another's
TRAINED, JUDGED, PERTURBER = "train", "judge", "perturber"  # the tag `part`


class AttackTable(ArmStudy):
    """Attacks (the arms) x classifiers, over paired replicates."""

    question = "How much of what PGD finds does a generated attack find, and at what cost?"
    ARMS: ClassVar[dict[str, str]] = {
        "fgsm": "one gradient step, white box",
        "pgd": "projected gradient descent, white box: what the others are held against",
        "apgd": "PGD that sets its own step size, white box",
        "square": "random squares, sees logits only",
        "ensemble": "the worst of several attacks on each image, AutoAttack's protocol",
        "transfer": "PGD on another classifier (same recipe, other seed), black box",
        "advgan": "one pass through a perturber that was trained against this classifier",
        "advgan_transfer": "one pass through a perturber that was trained against another classifier (standard, other seed)",
    }

    def __init__(
        self, *, labels_per_class: int | None, epsilon: float | str, steps: int, inner_steps: int, pgd_steps: int,
        square_queries: int, ensemble: Sequence[str], advgan: Sequence[str], advgan_steps: int, count: int, **common: Any,
    ) -> None:  # fmt: skip
        """labels_per_class: images of each class for all trainings; None: all. steps: of each classifier.

        epsilon: of all attacks and of the robust classifier, fraction of the pixel range. inner_steps: of its training.
        pgd_steps: of PGD, also of the transfer. square_queries: looks of Square. ensemble: overrides that follow
        `attack.ensemble.` or `~attack.ensemble.`. advgan, advgan_steps: the perturbers' training. count: test images, at most.

        Raises:
            ConfigError: as ArmStudy; an epsilon outside (0, 1], no image, or a baseline that is not PGD.
        """
        super().__init__(**common)
        if self.baseline != "pgd":
            raise ConfigError(f"study.baseline={self.baseline} must be pgd: every attack stands beside PGD.")
        if count < 1:
            raise ConfigError(f"study.count={count} must be at least 1.")
        self.labels, self.steps, self.inner_steps = labels_per_class, steps, inner_steps
        self.epsilon, self.pgd_steps, self.queries = pixel_fraction(epsilon), pgd_steps, square_queries
        self.ensemble, self.advgan, self.advgan_steps, self.count = list(ensemble), list(advgan), advgan_steps, count

    # -- cells ---------------------------------------------------------------------------------------------------------

    def cells(self, config: DictConfig) -> list[Cell]:
        if self.labels is not None:
            check_labels(config, [self.labels], beyond=False)
        return [cell for r in range(self.replicates) for cell in self._replicate(config, r)]

    def _replicate(self, config: DictConfig, r: int) -> list[Cell]:
        seeds, tags = self.seeds(r), {"replicate": r}
        images = [*labelled(config, self.labels, seeds), *PLAIN]
        robust = [
            "model/robust=pgd_at",
            f"model.robust.epsilon={self.epsilon}",
            f"model.robust.steps={self.inner_steps}",
        ]
        black_box = {"transfer", "advgan_transfer"} & set(self.arms)
        cells = []
        for net in (*NETS, *([SURROGATE] if black_box else [])):
            seed = seeds.gan if net == SURROGATE else seeds.classifier
            own = robust if net == "robust" else []
            given = ("model=classifier", *images, *own, *training(steps=self.steps, seed=seed))
            cells.append(Cell(f"r{r}/{net}", "train", given, {**tags, "net": net, "part": TRAINED}))
        for target in self._perturbed():
            given = (
                "model=advgan", f"model.target=cell:r{r}/{target}", f"model.epsilon={self.epsilon}", *self.advgan, *images,
                *training(steps=self.advgan_steps, seed=seeds.gan),
            )  # fmt: skip
            cells.append(Cell(f"r{r}/advgan_{target}", "train", given, {**tags, "net": target, "part": PERTURBER}))
        for net in NETS:
            given = (
                *self._attacks(f"r{r}", net),
                f"epsilon={self.epsilon}",
                f"count={self.count}",
                f"seed={seeds.pool}",
            )
            own_tags: dict[str, Tag] = {**tags, "net": net, "part": JUDGED}
            cells.append(judge_cell(f"r{r}/attacks_{net}", f"r{r}/{net}", given=given, tags=own_tags))
        return cells

    def _perturbed(self) -> list[str]:
        """The nets that a perturber is trained against."""
        own = list(NETS) if "advgan" in self.arms else []
        return [*own, *([SURROGATE] if "advgan_transfer" in self.arms else [])]

    def _attacks(self, place: str, net: str) -> list[str]:
        """Overrides of attack.py: the arms, each on its own."""
        given = ["attack=default", *[f"~attack.{name}" for name in DEFAULT if name not in self.arms]]
        given += [f"attack.pgd.steps={self.pgd_steps}"]
        if "square" in self.arms:
            given.append(f"attack.square.queries={self.queries}")
        if "ensemble" in self.arms:
            given.append("+attack@attack.ensemble=ensemble")
            given += [
                f"~attack.ensemble.{item[1:]}" if item.startswith("~") else f"attack.ensemble.{item}"
                for item in self.ensemble
            ]
        if "transfer" in self.arms:
            given += ["+attack@attack.transfer=transfer", f"attack.transfer.run=cell:{place}/{SURROGATE}",
                      f"attack.transfer.attack.steps={self.pgd_steps}"]  # fmt: skip
        for name, whose in AMORTISED.items():
            if name in self.arms:
                given += [
                    f"+attack@attack.{name}=advgan",
                    f"attack.{name}.run=cell:{place}/advgan_{whose or net}",
                ]
        return given

    # -- analysis ------------------------------------------------------------------------------------------------------

    def analyse(self, results: Results) -> Analysis:
        cells = results.find(part=TRAINED)
        results.check_equal([*NETS, *([SURROGATE] if len(cells) > 2 * self.replicates else [])], cells, "")
        found = self._comparisons(results)
        comparisons = sorted(found, key=lambda it: not it.primary)
        return Analysis(
            question=self.question, answer=f"{self._answer(results)} {told_clear(comparisons)}".rstrip(), verdict=None,
            comparisons=comparisons,
            tables=[
                self._table(results), self._compared(found),
                Table("The attacks", ("attack", "what it does"), tuple((arm, self.ARMS[arm]) for arm in self.arms)),
                Table("The classifiers", ("net", "how it was trained"), tuple(NETS.items())),
                flags_table(results, {net: {"net": net, "part": JUDGED} for net in NETS}),
                cost_table(results, self._parts()), anchor_table("attack_table", {}),
            ],
            plots=self._plots(results), pictures=self._pictures(results), pictures_title="Adversarial images",
            limits=self._limits(), numbers={"epsilon": epsilon_text(self.epsilon)},
        )  # fmt: skip

    def _success(self, results: Results, attack: str, net: str) -> list[float]:
        return values(results, fooled_by(attack, self.epsilon), net=net, part=JUDGED)

    def _comparisons(self, results: Results) -> list[Comparison]:
        """Success of every attack against PGD's on the same net."""
        keys = [(net, arm) for net in NETS for arm in self.arms if arm != self.baseline]
        return corrected([
            compare(
                self._success(results, arm, net), self._success(results, self.baseline, net), arm=arm,
                baseline=self.baseline, smallest_effect=self.smallest_effect, measure="attack success rate",
                where=f"the {net} net",
                primary=(net, arm) == ("standard", self.primary),
            )
            for net, arm in keys
        ])  # fmt: skip

    def _answer(self, results: Results) -> str:
        """The success of the primary attack, beside PGD's, on both nets."""
        told = [
            f"on the {net} net {self.primary} turns {spread(known(self._success(results, self.primary, net)))} % of the images "
            f"wrong that were right, PGD-{self.pgd_steps} {spread(known(self._success(results, self.baseline, net)))} %"
            for net in NETS
        ]
        return f"At epsilon {epsilon_text(self.epsilon)}, {'; '.join(told)}."

    def _compared(self, found: Sequence[Comparison]) -> Table:
        table = comparison_table(
            found,
            title="Success of every attack against PGD",
            unit="points",
            metric="images turned wrong, %",
            where="net",
        )
        return replace(
            table, note=f"{table.note} HELPS: the attack turns more images wrong than PGD does, HURTS: fewer."
        )

    def _table(self, results: Results) -> Table:
        """Net by attack: what is left, what was changed, what it cost."""
        rows = []
        for net in NETS:
            cells = results.find(net=net, part=JUDGED)
            clean = [100 * float(each.get("clean", "accuracy")) for each in cells]
            rows.append((net, "none", spread(clean), *[DASH] * 6))
            rows += [(net, arm, *self._row(cells, arm)) for arm in self.arms]
        head = ("net", "attack", "accuracy left, %", "success, %", "mean Linf, k/255", "mean L2", "queries per image",
                "of them with gradient", "CPU ms per image")  # fmt: skip
        return Table(
            f"Attacks at epsilon {epsilon_text(self.epsilon)}", head, tuple(rows),
            "Success: of the images that were right, those turned wrong. Distances: of these, L2 in units of the pixel range. "
            "Queries: looks of the attack and of its judgement at the attacked classifier, per image that was right; a transfer "
            "and AdvGAN pay theirs elsewhere or before (see the costs).",
        )  # fmt: skip

    def _row(self, cells: Sequence[CellResult], attack: str) -> tuple[str, ...]:
        found: list[tuple[Mapping[str, Any], int]] = [
            (row(each, attack, self.epsilon), int(each.get("cost", "images"))) for each in cells
        ]

        def mean(key: str, scale: float = 1.0) -> list[float]:
            return [scale * each[key] for each, _ in found if each[key] is not None]

        per_image = [1000 * each["cpu_seconds"] / images for each, images in found]
        return (
            spread(mean("accuracy", 100)), spread(mean("success_rate", 100)), spread(mean("mean_linf", 255)),
            spread(mean("mean_l2")), spread(mean("queries_per_image")), spread(mean("gradients_per_image")), spread(per_image),
        )  # fmt: skip

    def _parts(self) -> dict[str, dict[str, Tag]]:
        """What the cost table tells."""
        nets: dict[str, dict[str, Tag]] = {
            f"training the {net} net": {"net": net, "part": TRAINED} for net in (*NETS, SURROGATE)
        }
        perturbers: dict[str, dict[str, Tag]] = {
            f"training AdvGAN against {net}": {"net": net, "part": PERTURBER} for net in self._perturbed()
        }
        return {**nets, **perturbers, **{f"all attacks on {net}": {"net": net, "part": JUDGED} for net in NETS}}

    def _plots(self, results: Results) -> list[Plot]:
        lines = [mean_line(net, [self._success(results, arm, net) for arm in self.arms]) for net in NETS]
        note = "Means and 95 % t intervals over replicates."
        title = f"Success at epsilon {epsilon_text(self.epsilon)}"
        return [Plot(title, "", "images turned wrong, %", tuple(self.arms), tuple(lines), note=note)]

    def _pictures(self, results: Results) -> list[Picture]:
        note = "original, perturbation (scaled), adversarial image; the strongest attack of replicate 0"
        return [
            Picture(net, f"cells/r0/attacks_{net}/images/adversarial.png", note)
            for net in NETS
            if results.one(net=net, part=JUDGED, replicate=0) is not None
        ]

    def _limits(self) -> list[str]:
        return [
            f"All attacks have the same Linf epsilon {epsilon_text(self.epsilon)} and see the same images.",
            "A small success of AdvGAN says nothing about robustness: PGD at the same epsilon does.",
            "The perturbers were trained on the training images and their labels, the other attacks need none.",
            "The surrogate has the recipe of the standard net; another architecture would transfer less.",
        ]
