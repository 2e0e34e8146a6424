"""`study=purify`: does projecting images onto the range of a GAN's generator protect a classifier, or does it only seem to?

Defense-GAN (Samangouei et al. 2018) against images made on the undefended classifier, without knowledge of the defence, and
against BPDA (Athalye et al. 2018, "Obfuscated gradients give a false sense of security"), which attacks the defence itself. A
defence is only as good as under the attack that was made for it: the verdict compares the worst case of each defence.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

from sparring.core.errors import ConfigError
from sparring.core.settings import epsilon_text, pixel_fraction
from sparring.study.base import Study, check_counts
from sparring.study.cells.recipes import NO_AUGMENTATION, attack_cell, classifier_cell, generator_cell
from sparring.study.cells.subset import check_label_counts, labelled_subset
from sparring.study.engine.cell import Cell, Tag
from sparring.study.engine.context import StudyContext
from sparring.study.engine.results import Results
from sparring.study.stats.families import judged
from sparring.study.stats.verdict import Comparison, compare
from sparring.study.tables.analysis import Analysis, Plot, Table
from sparring.study.tables.comparisons import comparison_table, conclusion, other_differences
from sparring.study.tables.costs import Tags, cost_table
from sparring.study.tables.pictures import adversarial_pictures
from sparring.study.tables.plots import ACCURACY_LABEL, mean_line
from sparring.study.tables.published import published_table
from sparring.study.tables.robustness import Read, clean_accuracy, flags_table, robust_accuracy
from sparring.study.tables.text import mean_std

NONE = "no defence"
TRANSFERS = ("fgsm_transfer", "pgd_transfer")  # made on the undefended classifier; on it, they are FGSM and PGD
BPDA = "bpda"
ATTACKS = (*TRANSFERS, BPDA)
EVALUATION = "evaluation"  # the tag `part` of cells that attack a classifier


class PurifyStudy(Study):
    """Defences (none, and L steps x R restarts of Defense-GAN) x attacks, over paired replicates."""

    question = "Does purifying images with a GAN protect a classifier from attacks that take the defence into account?"
    DEFENCE: ClassVar[str] = "purified L={steps} R={restarts}"

    def __init__(
        self, *, labels_per_class: int | None, epsilon: float | str, steps: int, gan: Sequence[str], gan_steps: int,
        grid: Sequence[Sequence[int]], primary: Sequence[int], lr: float, attack_steps: int, bpda_steps: int, count: int,
        **common: Any,
    ) -> None:  # fmt: skip
        """
        Args:
            labels_per_class: images of each class for classifier and GAN; None: all.
            epsilon: of all attacks, fraction of the pixel range.
            steps: of the classifier.
            gan: overrides of the GAN's training.
            gan_steps: its iterations.
            grid: pairs (L, R), gradient steps and restarts of the search for the generator's nearest image.
            primary: the pair that the verdict is about.
            lr: learning rate of the search.
            attack_steps: of the PGD on the undefended classifier.
            bpda_steps: of BPDA.
            count: test images, at most.
            common: see `Study`.

        Raises:
            ConfigError: as `Study`; an epsilon outside (0, 1], a pair that is none, or a primary one that is not in the grid.
        """
        super().__init__(**common)
        pairs = [tuple(map(int, each)) for each in grid]
        if not pairs or any(len(each) != 2 or min(each) < 1 for each in pairs):
            raise ConfigError(
                f"study.grid={list(grid)} must hold pairs of steps and restarts, each at least 1: [[20,2]]."
            )
        if tuple(primary) not in pairs:
            raise ConfigError(
                f"study.primary={list(primary)} must be one of study.grid={[list(each) for each in pairs]}."
            )
        check_counts(count=count)
        self.labels, self.epsilon, self.steps = labels_per_class, pixel_fraction(epsilon), steps
        self.gan, self.gan_steps, self.lr = list(gan), gan_steps, lr
        self.grid = {self.DEFENCE.format(steps=pair[0], restarts=pair[1]): pair for pair in pairs}
        self.primary = self.DEFENCE.format(steps=primary[0], restarts=primary[1])
        self.attack_steps, self.bpda_steps, self.count = attack_steps, bpda_steps, count

    # -- cells ---------------------------------------------------------------------------------------------------------

    def cells(self, context: StudyContext) -> list[Cell]:
        if self.labels is not None:
            check_label_counts(context, [self.labels])
        return [cell for r in range(self.replicates) for cell in self._replicate(context, r)]

    def _replicate(self, context: StudyContext, r: int) -> list[Cell]:
        seeds, run = self.seeds(r), f"r{r}/classifier"
        tags: dict[str, Tag] = {"replicate": r}
        images = labelled_subset(context, self.labels, seeds)
        common = (f"epsilon={self.epsilon}", f"count={self.count}", f"seed={seeds.pool}", "probe=0")
        attacks = self._attacks(run)
        cells = [
            classifier_cell(
                run, [*images, *NO_AUGMENTATION], steps=self.steps, seed=seeds.classifier,
                tags={**tags, "part": "classifier"},
            ),
            generator_cell(f"r{r}/gan", recipe=self.gan, images=images, steps=self.gan_steps, seeds=seeds, tags=tags),
            attack_cell(
                f"r{r}/undefended", run, overrides=[*attacks, *common],
                tags={**tags, "defence": NONE, "part": EVALUATION},
            ),
        ]  # fmt: skip
        for name, (steps, restarts) in self.grid.items():
            defence = ("defence=purify", f"defence.generator=cell:r{r}/gan", f"defence.steps={steps}",
                       f"defence.restarts={restarts}", f"defence.lr={self.lr}", f"defence.seed={seeds.gan}")  # fmt: skip
            bpda = ("+attack@attack.bpda=bpda", f"attack.bpda.steps={self.bpda_steps}")
            cells.append(
                attack_cell(
                    f"r{r}/purified_{steps}x{restarts}", run, overrides=[*defence, *attacks, *bpda, *common],
                    tags={**tags, "defence": name, "part": EVALUATION},
                )
            )  # fmt: skip
        return cells

    def _attacks(self, classifier: str) -> list[str]:
        """Overrides of attack.py: FGSM and PGD on the undefended classifier."""
        overrides = ["attack=default", *[f"~attack.{name}" for name in ("fgsm", "pgd", "apgd", "square")]]
        for name in TRANSFERS:
            overrides += [f"+attack@attack.{name}=transfer", f"attack.{name}.run=cell:{classifier}"]
        one_step = "attack.fgsm_transfer.attack"  # PGD of one step of length epsilon from the image itself is FGSM
        overrides += [f"{one_step}.steps=1", f"{one_step}.step_size={self.epsilon}", f"{one_step}.start=image"]
        return [*overrides, f"attack.pgd_transfer.attack.steps={self.attack_steps}"]

    # -- analysis ------------------------------------------------------------------------------------------------------

    def analyse(self, results: Results) -> Analysis:
        comparisons = judged(self._comparisons(results))
        primary = comparisons[0]
        verdict = conclusion(
            replace(primary, where=""), arm="purifying images with the GAN", baseline="no defence, each under its worst attack",
            unit="points of accuracy", replicates=self.replicates,
        )  # fmt: skip
        sentences = (verdict, self._bpda_sentence(results), other_differences(comparisons[1:]))
        evaluated: dict[str, Tags] = {name: {"defence": name, "part": EVALUATION} for name in self._defences}
        runs = {"classifier": {"part": "classifier"}, "GAN": {"part": "generator"}}
        return Analysis(
            question=self.question,
            conclusion=" ".join(filter(None, sentences)),
            verdict=primary.verdict,
            comparisons=comparisons,
            tables=[
                self._table(results),
                comparison_table(
                    comparisons, title="Each defence against none", unit="points", metric=ACCURACY_LABEL, where="under"
                ),
                flags_table(results, evaluated),
                cost_table(results, {**runs, **{f"attacks on: {name}": tags for name, tags in evaluated.items()}}),
                published_table("purify"),
            ],
            plots=[self._plot(results)],
            pictures=adversarial_pictures(results, {name: evaluated[name] for name in (NONE, self.primary)}),
            pictures_title="Adversarial images",
            limits=self._limits(),
            numbers={"epsilon": epsilon_text(self.epsilon)},
        )

    @property
    def _defences(self) -> list[str]:
        return [NONE, *self.grid]

    def _accuracy(self, results: Results, read: Read, defence: str) -> list[float]:
        return results.read(read, defence=defence, part=EVALUATION)

    def _robust(self, results: Results, attack: str, defence: str) -> list[float]:
        """Accuracy under an attack in %, per replicate."""
        return self._accuracy(results, robust_accuracy(attack, self.epsilon), defence)

    def _worst(self, results: Results, defence: str) -> list[float]:
        """Accuracy under the strongest attack in %, per replicate; NaN where the cell failed."""
        attacks = TRANSFERS if defence == NONE else ATTACKS
        by_attack = [self._robust(results, attack, defence) for attack in attacks]
        return [math.nan if any(map(math.isnan, each)) else min(each) for each in zip(*by_attack, strict=True)]

    def _comparisons(self, results: Results) -> list[Comparison]:
        """The primary defence in the worst case first; then the others, and attacks without knowledge of the defence."""
        accuracies = {
            "worst attack": self._worst,
            "PGD on the undefended classifier": self._transfer,
            "no attack": self._clean,
        }
        primary = (self.primary, "worst attack")
        keys = [primary, *((name, attack) for attack in accuracies for name in self.grid if (name, attack) != primary)]
        return [
            compare(
                accuracies[attack](results, name), accuracies[attack](results, NONE), arm=name, baseline=NONE, measure="accuracy",
                where=attack,
                smallest_effect=self.smallest_effect, primary=(name, attack) == primary, levels=results.levels,
            )
            for name, attack in keys
        ]  # fmt: skip

    def _transfer(self, results: Results, defence: str) -> list[float]:
        return self._robust(results, "pgd_transfer", defence)

    def _clean(self, results: Results, defence: str) -> list[float]:
        return self._accuracy(results, clean_accuracy, defence)

    def _bpda_sentence(self, results: Results) -> str:
        """The primary defence under attacks without knowledge of it, and under BPDA."""
        undefended, defended = (mean_std(self._transfer(results, name)) for name in (NONE, self.primary))
        bpda = mean_std(self._robust(results, BPDA, self.primary))
        return (
            f"Under PGD made on the undefended classifier, purification seems to raise accuracy from {undefended} % to "
            f"{defended} %; under BPDA, which attacks the defence itself, accuracy is {bpda} %. A purification defence must be "
            "evaluated with BPDA."
        )

    def _table(self, results: Results) -> Table:
        rows = []
        for name in self._defences:
            under_attack = [
                "as PGD" if (name, attack) == (NONE, BPDA) else mean_std(self._robust(results, attack, name))
                for attack in ATTACKS
            ]
            clean, worst = (mean_std(each(results, name)) for each in (self._clean, self._worst))
            rows.append((name, clean, *under_attack, worst))
        return Table(
            f"Accuracy by defence and attack at epsilon {epsilon_text(self.epsilon)}",
            ("defence", "no attack, %", "FGSM transfer, %", "PGD transfer, %", "BPDA, %", "worst of them, %"), tuple(rows),
            "Mean ± standard deviation over replicates. Transfer: the images are made on the undefended classifier; on it these "
            "are FGSM and PGD themselves. BPDA takes the purification for the identity in the backward pass; with no defence it "
            "is PGD. L: gradient steps, R: restarts of the search for the nearest image that the GAN can make.",
        )  # fmt: skip

    def _plot(self, results: Results) -> Plot:
        lines = [mean_line("no attack", [self._clean(results, name) for name in self._defences])]
        undefined = [math.nan] * self.replicates
        for attack in ATTACKS:
            points = [
                undefined if (name, attack) == (NONE, BPDA) else self._robust(results, attack, name)
                for name in self._defences
            ]
            lines.append(mean_line(attack.replace("_", " "), points))
        note = "Means and 95 % t intervals over replicates."
        return Plot("Accuracy by defence", "", ACCURACY_LABEL, tuple(self._defences), tuple(lines), note=note)

    def _limits(self) -> list[str]:
        return [
            f"The attacks use {self.count} test images at most, the same for all, at Linf epsilon {epsilon_text(self.epsilon)}.",
            f"Accuracy under {self.bpda_steps} steps of BPDA is higher than it would be under a stronger attack.",
            "Classifier and GAN were trained on the same images; another GAN may purify better.",
            "Searching longer (L, R) costs every user as much as it costs the attacker.",
        ]
