"""`study=ssl_labels`: does a discriminator learn more from few labels when it is also trained on unlabelled images by a GAN?

The semi-supervised GAN is compared with its own network, trained on the labels alone. Two more arms use the same unlabelled
images without a GAN: a plain CNN, and the same CNN with further real images whose labels it has predicted (pseudo-labels).
"""

from collections.abc import Sequence
from typing import Any, ClassVar

from sparring.core.errors import ConfigError
from sparring.study.base import ArmStudy, check_fraction
from sparring.study.cells.recipes import NO_AUGMENTATION, classifier_cell, without
from sparring.study.cells.subset import check_label_counts, label_counts, labelled_subset
from sparring.study.engine.cell import Cell
from sparring.study.engine.context import StudyContext
from sparring.study.engine.results import TEST_ACCURACY, Results
from sparring.study.stats.families import judged
from sparring.study.stats.verdict import Comparison
from sparring.study.tables.analysis import Analysis, Plot, Table, arms_table
from sparring.study.tables.comparisons import comparison_table, conclusion, other_differences, primary_first
from sparring.study.tables.costs import arm_runs, cost_table
from sparring.study.tables.limits import shared_images_limit
from sparring.study.tables.mcnemar import mcnemar_table
from sparring.study.tables.plots import ACCURACY_LABEL, class_plot, labels_plot
from sparring.study.tables.published import published_table
from sparring.study.tables.text import interval_text, mean_std, signed

LABELS_ONLY = {"ssgan": "supervised", "pseudo": "cnn"}  # use of unlabelled images -> the same network on labels alone
SEMI_SUPERVISED = ("supervised", "ssgan")  # arms with the network of the semi-supervised GAN


class SslLabels(ArmStudy):
    """Labels per class x uses of the unlabelled images, over paired draws of the labels."""

    question = "Does a semi-supervised GAN make more of few labels than the same network on the labels alone?"
    ARMS: ClassVar[dict[str, str]] = {
        "supervised": "the GAN's classifier network on the labelled images alone: same noise, optimizer, steps and average",
        "ssgan": "the same network as discriminator of a semi-supervised GAN, which has all training images without labels",
        "cnn": "a plain convolutional classifier on the labelled images",
        "pseudo": "the plain classifier, a share of each batch replaced by unlabelled images with labels predicted by arm cnn",
    }

    def __init__(
        self, *, labels_per_class: Sequence[int], primary_labels: int | None, steps: int, network: Sequence[str],
        fraction: float, keep: float, **common: Any,
    ) -> None:  # fmt: skip
        """
        Args:
            labels_per_class: the settings.
            primary_labels: the setting of the verdict; None: the smallest.
            steps: of every training.
            network: overrides of `model=ssgan` and of its labels-only arm.
            fraction: share of each batch that arm pseudo replaces, 0 to 1.
            keep: share of the images predicted as a class that is kept, those of the most confident predictions, 0 to 1.
            common: see `ArmStudy`.

        Raises:
            ConfigError: counts that do not fit each other, an arm without the one that it is compared with.
        """
        super().__init__(**common)
        if not 0 < keep <= 1:
            raise ConfigError(f"study.keep={keep} must be above 0 and at most 1.")
        if _different_networks(self.primary, self.baseline):
            raise ConfigError(
                f"study.primary={self.primary} and study.baseline={self.baseline} are different networks, trained in different "
                f"ways; compare {self.primary} with {_same_network(self.primary)}."
            )
        for arm, control in LABELS_ONLY.items():
            if arm in self.arms and control not in self.arms:
                raise ConfigError(f"study.arms needs {control} where it has {arm}, which is compared with it.")
        self.labels, self.primary_labels = label_counts(labels_per_class, primary_labels)
        self.steps, self.network, self.fraction, self.keep = steps, list(network), check_fraction(fraction), keep

    # -- cells ---------------------------------------------------------------------------------------------------------

    def cells(self, context: StudyContext) -> list[Cell]:
        check_label_counts(context, self.labels, more_real=True)
        return [
            self._cell(context, labels, replicate, arm)
            for labels in self.labels
            for replicate in range(self.replicates)
            for arm in self.arms
        ]

    def _cell(self, context: StudyContext, labels: int, replicate: int, arm: str) -> Cell:
        seeds, prefix = self.seeds(replicate), f"labels{labels}/r{replicate}"
        pseudo = [
            "data/mix=pseudo", f"data.mix.labeller=cell:{prefix}/cnn", f"data.mix.filter.classifier=cell:{prefix}/cnn",
            f"data.mix.filter.top={self.keep}", f"data.mix.fraction={self.fraction}",
        ]  # fmt: skip
        own = {
            "supervised": [*self.network, "model.supervised_only=true"],
            "ssgan": self.network,
            "cnn": [],
            "pseudo": pseudo,
        }[arm]
        semi_supervised = arm in SEMI_SUPERVISED
        return classifier_cell(
            f"{prefix}/{arm}",
            [*without(labelled_subset(context, labels, seeds), own), *NO_AUGMENTATION, *own],
            model="ssgan" if semi_supervised else "classifier",
            steps=self.steps,
            seed=seeds.gan if semi_supervised else seeds.classifier,
            tags={"labels": labels, "replicate": replicate, "arm": arm},
        )

    # -- analysis ------------------------------------------------------------------------------------------------------

    def analyse(self, results: Results) -> Analysis:
        pairs = [(arm, control) for arm, control in LABELS_ONLY.items() if arm in self.arms]
        pairs += [(self.primary, self.baseline)] if (self.primary, self.baseline) not in pairs else []
        by_setting = judged([self._compare(results, *pair, labels) for labels in self.labels for pair in pairs])
        comparisons = primary_first(by_setting)
        primary = comparisons[0]
        verdict = conclusion(
            primary, arm="learning from the unlabelled images with a GAN" if primary.arm == "ssgan" else primary.arm,
            baseline="the same network on the labels alone" if primary.baseline == "supervised" else primary.baseline,
            unit="points", replicates=self.replicates,
        )  # fmt: skip
        return Analysis(
            question=self.question,
            conclusion=f"{verdict} {other_differences(comparisons[1:])}".rstrip(),
            verdict=primary.verdict,
            comparisons=comparisons,
            tables=self._tables(results, by_setting),
            plots=self._plots(results),
            limits=self._limits(results),
        )

    def _compare(self, results: Results, arm: str, baseline: str, labels: int) -> Comparison:
        return results.compare(
            *TEST_ACCURACY, arm=arm, baseline=baseline, scale=100, labels=labels, where=f"{labels} labels per class",
            smallest_effect=self.smallest_effect, own_budget=(arm,) if _different_networks(arm, baseline) else (),
            primary=(arm, baseline, labels) == (self.primary, self.baseline, self.primary_labels),
        )  # fmt: skip

    def _tables(self, results: Results, comparisons: Sequence[Comparison]) -> list[Table]:
        other_networks = [arm for arm in ("cnn", "pseudo") if {"ssgan", arm} <= set(self.arms)]
        settings = {f"{labels} labels per class": {"labels": labels} for labels in self.labels}
        return [
            comparison_table(
                comparisons, title="With unlabelled images against the same network on the labels alone", unit="points",
                metric=ACCURACY_LABEL, where="setting",
            ),
            self._errors(results),
            *([self._across(results, other_networks)] if other_networks else []),
            mcnemar_table(results, arm=self.primary, baseline=self.baseline, settings=settings),
            arms_table(self.ARMS, self.arms, columns=("arm", "what is trained")),
            cost_table(results, arm_runs(self.arms, gan=False)),
            published_table("ssl_labels"),
        ]  # fmt: skip

    def _across(self, results: Results, other_networks: Sequence[str]) -> Table:
        """Differences between two networks, each trained in its own way: without p-values and without a verdict."""
        comparisons = [self._compare(results, "ssgan", arm, labels) for labels in self.labels for arm in other_networks]
        rows = tuple(
            (
                each.where, f"ssgan - {each.baseline}", signed(each.delta), interval_text(each.t_interval),
                f"{each.wins}/{each.n}",
            )
            for each in comparisons
        )  # fmt: skip
        head = ("setting", "arms", "difference (points)", "95 % t", "wins")
        return Table(
            "The semi-supervised GAN and the other network", head, rows,
            "These arms differ in network, optimizer, schedule and batch: on unequal terms there is no verdict, and the "
            "differences say nothing about GANs.",
        )  # fmt: skip

    def _errors(self, results: Results) -> Table:
        rows = []
        for labels in self.labels:
            accuracies = [results.values(*TEST_ACCURACY, scale=100, arm=arm, labels=labels) for arm in self.arms]
            rows.append((str(labels), *[mean_std([100 - value for value in each]) for each in accuracies]))
        return Table(
            "Test error, %", ("labels per class", *self.arms), tuple(rows),
            "Mean ± standard deviation over draws of the labels and seeds, as in the papers.",
        )  # fmt: skip

    def _plots(self, results: Results) -> list[Plot]:
        title = f"Accuracy by class, {self.primary_labels} labels per class"
        arms = (self.baseline, self.primary)
        return [
            labels_plot(results, self.arms, self.labels),
            *class_plot(results, arms, title=title, labels=self.primary_labels),
        ]

    def _limits(self, results: Results) -> list[str]:
        return [
            "The unlabelled images include the labelled ones and have the same source; others can hurt (Oliver et al. 2018).",
            "The settings are as given and were not tuned within the study; the shipped ones of the semi-supervised network were "
            "chosen on validation images of other seeds, the plain CNN's are the defaults of model=classifier.",
            "The two networks take different batches of labelled images; all are given the same number of steps.",
            shared_images_limit(results, estimated=True),
        ]


def _different_networks(arm: str, other: str) -> bool:
    return (arm in SEMI_SUPERVISED) != (other in SEMI_SUPERVISED)


def _same_network(arm: str) -> str:
    """The arm that trains the network of `arm` on the labels alone, or the one that adds unlabelled images to them."""
    return next(control if arm == each else each for each, control in LABELS_ONLY.items() if arm in (each, control))
