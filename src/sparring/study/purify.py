"""`study=purify`: does projecting images onto what a GAN can make protect a classifier, and how much of that is an illusion?

Defense-GAN (Samangouei et al. 2018) against images made on the undefended classifier, which know nothing of the defence, and
against BPDA (Athalye et al. 2018, "Obfuscated gradients give a false sense of security"), which attacks the defence itself. A
defence is only as good as under the attack that was made for it: the verdict is about each side's worst case.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import ClassVar

from omegaconf import DictConfig

from sparring.core.errors import ConfigError
from sparring.core.settings import epsilon_text, pixel_fraction
from sparring.study.base import Study
from sparring.study.cells.recipes import PLAIN, check_labels, generator_cell, judge_cell, labelled, training
from sparring.study.engine.cell import Cell
from sparring.study.engine.results import Results, Tag
from sparring.study.stats.verdict import Comparison, compare, corrected
from sparring.study.tables.analysis import Analysis, Picture, Plot, Table, answer, comparison_table, spread, told_clear
from sparring.study.tables.curve import mean_line
from sparring.study.tables.published import anchor_table
from sparring.study.tables.robustness import Read, clean, cost_table, flags_table, known, left_by, values

NONE = "no defence"
UNAWARE = ("fgsm_transfer", "pgd_transfer")  # made on the undefended classifier; on it, they are FGSM and PGD
BPDA = "bpda"
ATTACKS = (*UNAWARE, BPDA)
JUDGED = "judge"  # the tag `part`


class PurifyStudy(Study):
    """Defences (none, and L steps x R restarts of Defense-GAN) x attacks, over paired replicates."""

    question = "Does purifying images with a GAN protect a classifier from attacks, once the attack knows of it?"
    DEFENCE: ClassVar[str] = "purified L={steps} R={restarts}"

    def __init__(
        self, *, replicates: int, seed: int, labels_per_class: int | None, epsilon: float | str, steps: int, gan: Sequence[str],
        gan_steps: int, grid: Sequence[Sequence[int]], primary: Sequence[int], lr: float, attack_steps: int, bpda_steps: int,
        count: int, smallest_effect: float,
    ) -> None:  # fmt: skip
        """labels_per_class: images of each class for classifier and GAN; None: all. steps: of the classifier.

        epsilon: of all attacks, fraction of the pixel range. gan, gan_steps: the GAN's training.
        grid: pairs (L, R), steps and restarts of the search for the GAN's nearest image, with rate `lr`; primary: one of them.
        attack_steps: of the PGD on the undefended classifier; bpda_steps: of BPDA. count: test images, at most.

        Raises:
            ConfigError: as Study; an epsilon outside (0, 1], a pair that is none, or a primary one that is not in the grid.
        """
        super().__init__(replicates=replicates, seed=seed)
        pairs = [tuple(map(int, each)) for each in grid]
        if not pairs or any(len(each) != 2 or min(each) < 1 for each in pairs):
            raise ConfigError(
                f"study.grid={list(grid)} must hold pairs of steps and restarts, each at least 1: [[20,2]]."
            )
        if tuple(primary) not in pairs:
            raise ConfigError(
                f"study.primary={list(primary)} must be one of study.grid={[list(each) for each in pairs]}."
            )
        if count < 1 or smallest_effect <= 0:
            raise ConfigError(
                f"study.count={count} must be at least 1, study.smallest_effect={smallest_effect} above 0."
            )
        self.labels, self.epsilon, self.steps = labels_per_class, pixel_fraction(epsilon), steps
        self.gan, self.gan_steps, self.lr = list(gan), gan_steps, lr
        self.grid = {
            self.DEFENCE.format(steps=steps, restarts=restarts): (steps, restarts) for steps, restarts in pairs
        }
        self.primary = self.DEFENCE.format(steps=primary[0], restarts=primary[1])
        self.attack_steps, self.bpda_steps, self.count = attack_steps, bpda_steps, count
        self.smallest_effect = smallest_effect

    # -- cells ---------------------------------------------------------------------------------------------------------

    def cells(self, config: DictConfig) -> list[Cell]:
        if self.labels is not None:
            check_labels(config, [self.labels], beyond=False)
        return [cell for r in range(self.replicates) for cell in self._replicate(config, r)]

    def _replicate(self, config: DictConfig, r: int) -> list[Cell]:
        seeds = self.seeds(r)
        tags: dict[str, Tag] = {"replicate": r}
        images = labelled(config, self.labels, seeds)
        given = ("model=classifier", *images, *PLAIN, *training(steps=self.steps, seed=seeds.classifier))
        common = (f"epsilon={self.epsilon}", f"count={self.count}", f"seed={seeds.pool}", "probe=0")
        attacks = self._attacks(f"r{r}/classifier")
        cells = [
            Cell(f"r{r}/classifier", "train", given, {**tags, "part": "classifier"}),
            generator_cell(f"r{r}/gan", recipe=self.gan, images=images, steps=self.gan_steps, seeds=seeds, tags=tags),
            judge_cell(
                f"r{r}/undefended", f"r{r}/classifier", given=(*attacks, *common),
                tags={**tags, "defence": NONE, "part": JUDGED},
            ),
        ]  # fmt: skip
        for name, (steps, restarts) in self.grid.items():
            defence = ("defence=purify", f"defence.generator=cell:r{r}/gan", f"defence.steps={steps}",
                       f"defence.restarts={restarts}", f"defence.lr={self.lr}", f"defence.seed={seeds.gan}")  # fmt: skip
            bpda = ("+attack@attack.bpda=bpda", f"attack.bpda.steps={self.bpda_steps}")
            cells.append(
                judge_cell(
                    f"r{r}/purified_{steps}x{restarts}", f"r{r}/classifier", given=(*defence, *attacks, *bpda, *common),
                    tags={**tags, "defence": name, "part": JUDGED},
                )
            )  # fmt: skip
        return cells

    def _attacks(self, classifier: str) -> list[str]:
        """Overrides of attack.py: FGSM and PGD on the undefended classifier."""
        given = ["attack=default", *[f"~attack.{name}" for name in ("fgsm", "pgd", "apgd", "square")]]
        for name in UNAWARE:
            given += [f"+attack@attack.{name}=transfer", f"attack.{name}.run=cell:{classifier}"]
        one_step = "attack.fgsm_transfer.attack"  # PGD of one step of length epsilon from the image itself is FGSM
        given += [f"{one_step}.steps=1", f"{one_step}.step_size={self.epsilon}", f"{one_step}.start=image"]
        return [*given, f"attack.pgd_transfer.attack.steps={self.attack_steps}"]

    # -- analysis ------------------------------------------------------------------------------------------------------

    def analyse(self, results: Results) -> Analysis:
        found = corrected(self._comparisons(results))
        primary = found[0]
        said = answer(
            replace(primary, where=""), what="purifying images with the GAN", baseline="no defence, each under its worst attack",
            unit="points of accuracy", replicates=self.replicates,
        )  # fmt: skip
        return Analysis(
            question=self.question, answer=f"{said} {self._illusion(results)} {told_clear(found[1:])}".rstrip(),
            verdict=primary.verdict, comparisons=found,
            tables=[
                self._table(results),
                comparison_table(found, title="Each defence against none", unit="points",
                                 metric="test accuracy, %", where="judged by"),
                flags_table(results, {name: {"defence": name, "part": JUDGED} for name in self._defences}),
                cost_table(results, self._parts()), anchor_table("purify", {}),
            ],
            plots=self._plots(results), pictures=self._pictures(results), pictures_title="Adversarial images",
            limits=self._limits(), numbers={"epsilon": epsilon_text(self.epsilon)},
        )  # fmt: skip

    @property
    def _defences(self) -> list[str]:
        return [NONE, *self.grid]

    def _accuracy(self, results: Results, read: Read, defence: str) -> list[float]:
        return values(results, read, defence=defence, part=JUDGED)

    def _left(self, results: Results, attack: str, defence: str) -> list[float]:
        return self._accuracy(results, left_by(attack, self.epsilon), defence)

    def _worst(self, results: Results, defence: str) -> list[float]:
        """What the strongest attack leaves, per replicate; NaN where the cell failed."""
        tried = UNAWARE if defence == NONE else ATTACKS
        by_attack = [self._left(results, attack, defence) for attack in tried]
        return [math.nan if any(map(math.isnan, each)) else min(each) for each in zip(*by_attack, strict=True)]

    def _comparisons(self, results: Results) -> list[Comparison]:
        """The primary defence in the worst case first; then the others, and what attacks show that know nothing of it."""
        judged_by = {
            "worst attack": self._worst,
            "PGD on the undefended classifier": self._unaware,
            "no attack": self._clean,
        }
        keys = [(self.primary, "worst attack")]
        keys += [(name, by) for by in judged_by for name in self.grid if (name, by) != keys[0]]
        return [
            compare(
                judged_by[by](results, name), judged_by[by](results, NONE), arm=name, baseline=NONE,
                measure="accuracy", where=by, smallest_effect=self.smallest_effect, primary=(name, by) == keys[0],
            )
            for name, by in keys
        ]  # fmt: skip

    def _unaware(self, results: Results, defence: str) -> list[float]:
        return self._left(results, "pgd_transfer", defence)

    def _clean(self, results: Results, defence: str) -> list[float]:
        return self._accuracy(results, clean, defence)

    def _illusion(self, results: Results) -> str:
        """How the same defence looks to attacks that do not know of it, and to BPDA."""
        before, seems = (spread(known(self._unaware(results, each))) for each in (NONE, self.primary))
        is_left = spread(known(self._left(results, BPDA, self.primary)))
        return (
            f"Under PGD made on the undefended classifier, purification seems to raise accuracy from {before} % to {seems} %; "
            f"BPDA, which attacks the defence itself, leaves {is_left} %. A purification defence must be judged by BPDA."
        )

    def _table(self, results: Results) -> Table:
        rows = []
        for name in self._defences:
            left = [
                spread(known(self._left(results, attack, name))) if (name, attack) != (NONE, BPDA) else "as PGD"
                for attack in ATTACKS
            ]
            worst = spread(known(self._worst(results, name)))
            rows.append((name, spread(known(self._clean(results, name))), *left, worst))
        return Table(
            f"Accuracy by defence and attack at epsilon {epsilon_text(self.epsilon)}",
            ("defence", "no attack, %", "FGSM transfer, %", "PGD transfer, %", "BPDA, %", "worst of them, %"), tuple(rows),
            "Mean ± standard deviation over replicates. Transfer: the images are made on the undefended classifier; on it these "
            "are FGSM and PGD themselves. BPDA takes the purification for the identity in the backward pass; with no defence it "
            "is PGD. L: gradient steps, R: restarts of the search for the nearest image that the GAN can make.",
        )  # fmt: skip

    def _parts(self) -> Mapping[str, dict[str, Tag]]:
        """What the cost table tells."""
        judged: dict[str, dict[str, Tag]] = {
            f"attacks on: {name}": {"defence": name, "part": JUDGED} for name in self._defences
        }
        return {"classifier": {"part": "classifier"}, "GAN": {"part": "generator"}, **judged}

    def _plots(self, results: Results) -> list[Plot]:
        lines = [mean_line("no attack", [self._clean(results, name) for name in self._defences])]
        nothing = [math.nan] * self.replicates
        for attack in ATTACKS:
            points = [
                nothing if (name, attack) == (NONE, BPDA) else self._left(results, attack, name)
                for name in self._defences
            ]
            lines.append(mean_line(attack.replace("_", " "), points))
        note = "Means and 95 % t intervals over replicates."
        return [Plot("Accuracy by defence", "", "test accuracy, %", tuple(self._defences), tuple(lines), note=note)]

    def _pictures(self, results: Results) -> list[Picture]:
        found = []
        for name in (NONE, self.primary):
            each = results.one(defence=name, part=JUDGED, replicate=0)
            if each is not None:
                note = "original, perturbation (scaled), adversarial image; the strongest attack of replicate 0"
                found.append(Picture(name, f"cells/{each.cell.name}/images/adversarial.png", note))
        return found

    def _limits(self) -> list[str]:
        return [
            f"The attacks see {self.count} test images at most, the same for all, at Linf epsilon {epsilon_text(self.epsilon)}.",
            f"What BPDA leaves in {self.bpda_steps} steps is more than what a stronger attack would leave.",
            "Classifier and GAN saw the same training images; another GAN may purify better.",
            "Searching longer (L, R) costs every user as much as it costs the attacker.",
        ]
