"""`study=ssl_labels`: does a discriminator learn more from few labels when a GAN shows it unlabelled images as well?

The semi-supervised GAN is held against its own network, trained on the labels alone. Beside it: a plain CNN, and the same CNN
with further real images whose labels it has guessed itself (pseudo-labels), which use the same unlabelled images without a GAN.
"""

from collections.abc import Sequence
from typing import Any, ClassVar

from omegaconf import DictConfig

from sparring.core.errors import ConfigError
from sparring.study.base import ArmStudy
from sparring.study.cells.recipes import PLAIN, check_labels, label_counts, labelled, training
from sparring.study.engine.cell import Cell
from sparring.study.engine.results import Results
from sparring.study.stats.verdict import Comparison, corrected
from sparring.study.tables.analysis import (
    Analysis,
    Plot,
    Table,
    answer,
    comparison_table,
    interval,
    number,
    signed,
    spread,
    told_clear,
)
from sparring.study.tables.curve import class_line, mean_line
from sparring.study.tables.mcnemar import pair_table
from sparring.study.tables.published import anchor_table

ACCURACY = ("metrics", "test/accuracy", "value")
OWN = {"ssgan": "supervised", "pseudo": "cnn"}  # each use of unlabelled images, and the same network on labels alone
NETWORK = ("supervised", "ssgan")  # arms of the semi-supervised network


class SslLabels(ArmStudy):
    """Labels per class x uses of the unlabelled images, over paired draws of the labels."""

    question = "Does a semi-supervised GAN make more of few labels than the same network on the labels alone?"
    ARMS: ClassVar[dict[str, str]] = {
        "supervised": "the GAN's classifier network on the labelled images alone: same noise, optimizer, steps and average",
        "ssgan": "the same network as discriminator of a semi-supervised GAN, which sees all training images without labels",
        "cnn": "a plain convolutional classifier on the labelled images",
        "pseudo": "the plain classifier, a share of each batch replaced by unlabelled images with labels it guessed before",
    }

    def __init__(
        self, *, labels_per_class: Sequence[int], primary_labels: int | None, steps: int, network: Sequence[str],
        fraction: float, keep: float, **common: Any,
    ) -> None:  # fmt: skip
        """labels_per_class: the settings; primary_labels: the one of the verdict, None: the smallest. steps: of every training.

        network: overrides of `model=ssgan` and of its labels-only arm. fraction: share of each batch that arm pseudo
        replaces, 0 to 1. keep: share of the images guessed as a class that is kept, those of the surest guesses, 0 to 1.

        Raises:
            ConfigError: counts that do not fit each other, an arm without the one that it is held against.
        """
        super().__init__(**common)
        if not 0 < fraction < 1 or not 0 < keep <= 1:
            raise ConfigError(
                f"study.fraction={fraction} must be between 0 and 1, and study.keep={keep} above 0 and at most 1."
            )
        if _other_network(self.primary, self.baseline):
            raise ConfigError(
                f"study.primary={self.primary} and study.baseline={self.baseline} are different networks, trained in different "
                f"ways; hold {self.primary} against {_same_network(self.primary)}."
            )
        for arm, own in OWN.items():
            if arm in self.arms and own not in self.arms:
                raise ConfigError(f"study.arms needs {own} where it has {arm}: it is what {arm} is held against.")
        self.labels, self.primary_labels = label_counts(labels_per_class, primary_labels)
        self.steps = steps
        self.network, self.fraction, self.keep = list(network), fraction, keep

    # -- cells ---------------------------------------------------------------------------------------------------------

    def cells(self, config: DictConfig) -> list[Cell]:
        check_labels(config, self.labels, beyond=True)
        return [
            self._cell(config, labels, replicate, arm)
            for labels in self.labels
            for replicate in range(self.replicates)
            for arm in self.arms
        ]

    def _cell(self, config: DictConfig, labels: int, replicate: int, arm: str) -> Cell:
        seeds, place = self.seeds(replicate), f"labels{labels}/r{replicate}"
        pseudo = [
            "data/mix=pseudo", f"data.mix.labeller=cell:{place}/cnn", f"data.mix.filter.classifier=cell:{place}/cnn",
            f"data.mix.filter.top={self.keep}", f"data.mix.fraction={self.fraction}",
        ]  # fmt: skip
        given = {
            "supervised": ["model=ssgan", *self.network, "model.supervised_only=true"],
            "ssgan": ["model=ssgan", *self.network],
            "cnn": ["model=classifier"],
            "pseudo": ["model=classifier", *pseudo],
        }[arm]
        seed = seeds.gan if arm in NETWORK else seeds.classifier
        overrides = (*labelled(config, labels, seeds), *PLAIN, *given, *training(steps=self.steps, seed=seed))
        return Cell(f"{place}/{arm}", "train", overrides, {"labels": labels, "replicate": replicate, "arm": arm})

    # -- analysis ------------------------------------------------------------------------------------------------------

    def analyse(self, results: Results) -> Analysis:
        pairs = [(arm, own) for arm, own in OWN.items() if arm in self.arms]
        pairs += [(self.primary, self.baseline)] if (self.primary, self.baseline) not in pairs else []
        found = corrected([self._compare(results, *pair, labels) for labels in self.labels for pair in pairs])
        comparisons = sorted(found, key=lambda it: not it.primary)
        primary = comparisons[0]
        said = answer(
            primary, what="learning from the unlabelled images with a GAN" if primary.arm == "ssgan" else primary.arm,
            baseline="the same network on the labels alone" if primary.baseline == "supervised" else primary.baseline,
            unit="points", replicates=self.replicates,
        )  # fmt: skip
        return Analysis(
            question=self.question, answer=f"{said} {told_clear(comparisons[1:])}".rstrip(),
            verdict=primary.verdict, comparisons=comparisons, tables=self._tables(results, found),
            plots=self._plots(results), limits=self._limits(),
        )  # fmt: skip

    def _compare(self, results: Results, arm: str, baseline: str, labels: int) -> Comparison:
        return results.compare(
            *ACCURACY, arm=arm, baseline=baseline, scale=100, labels=labels, where=f"{labels} labels per class",
            smallest_effect=self.smallest_effect, own_budget=(arm,) if _other_network(arm, baseline) else (),
            primary=(arm, baseline, labels) == (self.primary, self.baseline, self.primary_labels),
        )  # fmt: skip

    def _tables(self, results: Results, comparisons: Sequence[Comparison]) -> list[Table]:
        tables = [
            comparison_table(
                comparisons, title="With unlabelled images against the same network on the labels alone", unit="points",
                metric="test accuracy, %", where="setting",
            ),
            self._errors(results),
        ]  # fmt: skip
        others = [other for other in ("cnn", "pseudo") if {"ssgan", other} <= set(self.arms)]
        if others:
            tables.append(self._across(results, others))
        places = {f"{labels} labels per class": {"labels": labels} for labels in self.labels}
        tables.append(pair_table(results, arm=self.primary, baseline=self.baseline, places=places))
        about = tuple((arm, self.ARMS[arm]) for arm in self.arms)
        return [*tables, Table("The arms", ("arm", "what is trained"), about), self._costs(results),
                anchor_table("ssl_labels", {})]  # fmt: skip

    def _across(self, results: Results, others: Sequence[str]) -> Table:
        """Differences between two networks, each with its own way to train: without p-values and without a verdict."""
        found = [self._compare(results, "ssgan", other, labels) for labels in self.labels for other in others]
        rows = tuple(
            (it.where, f"ssgan - {it.baseline}", signed(it.delta), interval(it.t.low, it.t.high), f"{it.wins}/{it.n}")
            for it in found
        )
        head = ("setting", "arms", "difference (points)", "95 % t", "wins")
        return Table(
            "The semi-supervised GAN beside the other network", head, rows,
            "These arms differ in network, optimizer, schedule and batch: on unequal terms there is no verdict, and the "
            "differences say nothing about GANs.",
        )  # fmt: skip

    def _errors(self, results: Results) -> Table:
        rows = []
        for labels in self.labels:
            errors = [self._error(results, arm, labels) for arm in self.arms]
            rows.append((str(labels), *[spread([100 - value for value in each]) for each in errors]))
        return Table(
            "Test error, %", ("labels per class", *self.arms), tuple(rows),
            "Mean ± standard deviation over draws of the labels and seeds, as the papers print it.",
        )  # fmt: skip

    def _error(self, results: Results, arm: str, labels: int) -> list[float]:
        return [100 * float(each.get(*ACCURACY)) for each in results.find(arm=arm, labels=labels)]

    def _costs(self, results: Results) -> Table:
        rows = []
        for arm in self.arms:
            seconds = [float(each.get("cost", "seconds")) for each in results.find(arm=arm)]
            mean = sum(seconds) / len(seconds) if seconds else float("nan")
            rows.append((arm, number(mean, 1), str(len(seconds))))
        return Table("What it cost", ("arm", "seconds of a training, mean", "trainings"), tuple(rows), "Wall time.")

    def _plots(self, results: Results) -> list[Plot]:
        note = "Means and 95 % t intervals over replicates; of single arms, not of the paired differences."
        plots = []
        if len(self.labels) > 1:
            lines = [
                mean_line(arm, [results.values(*ACCURACY, scale=100, arm=arm, labels=n) for n in self.labels])
                for arm in self.arms
            ]
            plots.append(
                Plot(
                    "Accuracy by number of labels", "labels per class", "test accuracy, %",
                    tuple(map(float, self.labels)), tuple(lines), log_x=True, note=note,
                )
            )  # fmt: skip
        else:
            line = mean_line(
                "accuracy", [results.values(*ACCURACY, scale=100, arm=arm, labels=self.labels[0]) for arm in self.arms]
            )
            plots.append(Plot("Accuracy of each arm", "", "test accuracy, %", tuple(self.arms), (line,), note=note))
        found = results.find(arm=self.baseline, labels=self.primary_labels)
        if found:
            lines = [
                class_line(
                    arm, results, "classification", "test", "per_class", scale=100, arm=arm, labels=self.primary_labels
                )
                for arm in (self.baseline, self.primary)
            ]
            title = f"Accuracy by class, {self.primary_labels} labels per class"
            names = tuple(map(str, found[0].get("classes")))
            plots.append(Plot(title, "class", "test accuracy, %", names, tuple(lines), note=note))
        return plots

    def _limits(self) -> list[str]:
        return [
            "The unlabelled images include the labelled ones and have the same source; others can hurt (Oliver et al. 2018).",
            "The settings are as given and were not tuned within the study; the shipped ones of the semi-supervised network were "
            "chosen on validation images of other seeds, the plain CNN's are the defaults of model=classifier.",
            "The two networks take different batches of labelled images; all are given the same number of steps.",
            "All replicates share the test images: the intervals say how far labels and seeds move the result, not how far "
            "another test set would.",
        ]


def _other_network(arm: str, other: str) -> bool:
    return (arm in NETWORK) != (other in NETWORK)


def _same_network(arm: str) -> str:
    """The arm that trains the network of `arm` on the labels alone, or the one that gives it more."""
    return next(own if arm == each else each for each, own in OWN.items() if arm in (each, own))
