"""`study=similarity_stop`: does a GAN whose images look more like real ones make the better classifier?

Each replicate trains one GAN and saves its weights at several iterations. From each of them images are drawn and a classifier is
trained. Quality (measured against val while the GAN trains) and usefulness (test accuracy of the classifier) are then ranked.
"""

import csv
import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sparring.core.errors import ConfigError
from sparring.metric.suite import METRICS, check_names
from sparring.study.base import Study, check_counts, check_fraction
from sparring.study.cells.recipes import (
    NO_AUGMENTATION,
    USES,
    check_uses,
    classifier_cell,
    generator_cell,
    images_mix,
    pool_cell,
)
from sparring.study.cells.subset import images_per_class, labelled_subset
from sparring.study.engine.cell import Cell, Tag
from sparring.study.engine.context import StudyContext
from sparring.study.engine.results import TEST_ACCURACY, CellResult, Results
from sparring.study.stats.families import judged
from sparring.study.stats.levels import Levels
from sparring.study.stats.verdict import Comparison, compare
from sparring.study.tables.analysis import Analysis
from sparring.study.tables.comparisons import comparison_table, conclusion
from sparring.study.tables.plots import ACCURACY_LABEL
from sparring.study.tables.similarity import (
    Grid,
    at,
    best_checkpoint,
    checkpoint_plots,
    checkpoints_table,
    correlation_sentence,
    correlation_table,
    oriented,
    published_correlations,
    rank_correlation,
    within_replicates,
)

VAL_ACCURACY = ("metrics", "val/accuracy", "value")
LAST, BEST, CHOSEN = "last", "best quality", "best classifier on val"


class SimilarityStop(Study):
    """Checkpoints x uses of their images, over replicates."""

    question = "If a GAN's images look more like real ones, is the classifier that they train better?"

    def __init__(
        self, *, labels_per_class: int | None, gan: Sequence[str], every: int, checkpoints: int, quality: Sequence[str],
        metric: str, features: str, samples: int, uses: Sequence[str], steps: int, pool: int, fraction: float, **common: Any,
    ) -> None:  # fmt: skip
        """
        Args:
            labels_per_class: images of each class for GAN and classifiers; None: all.
            gan: overrides of the GAN's training, which takes every * checkpoints iterations.
            every: iterations between two checkpoints.
            checkpoints: number of checkpoints, at least 3.
            quality: metrics of the GAN's images.
            metric: the one of them that chooses the best checkpoint.
            features: choice of `metric/features` that they are measured on.
            samples: images that they are measured on.
            uses: of USES; the first one is primary.
            steps: of each classifier.
            pool: generated images per labelled image.
            fraction: share of each batch that is replaced for the use "added", 0 to 1.
            common: see `Study`.

        Raises:
            ConfigError: as `Study`; a metric or use that does not exist, fewer than 3 checkpoints, a number out of range.
        """
        super().__init__(**common)
        self.quality = [name for name in check_names(quality) if METRICS[name][1] is not None]
        if metric not in self.quality:
            raise ConfigError(
                f"study.metric={metric} must be one of study.quality={list(quality)} that has a better end."
            )
        if checkpoints < 3:
            raise ConfigError(f"study.checkpoints={checkpoints} must be at least 3: fewer cannot be ranked.")
        check_counts(every=every, pool=pool)
        self.labels, self.gan, self.names = labels_per_class, list(gan), list(quality)
        self.iterations = [every * number for number in range(1, checkpoints + 1)]
        self.every, self.metric, self.features, self.samples = every, metric, features, samples
        self.uses, self.steps, self.pool, self.fraction = check_uses(uses), steps, pool, check_fraction(fraction)

    # -- cells ---------------------------------------------------------------------------------------------------------

    def cells(self, context: StudyContext) -> list[Cell]:
        count = self.pool * images_per_class(context, self.labels) * context.num_classes
        return [cell for r in range(self.replicates) for cell in self._replicate(context, r, count)]

    def _replicate(self, context: StudyContext, replicate: int, count: int) -> list[Cell]:
        """count: images of each pool."""
        seeds, prefix = self.seeds(replicate), f"r{replicate}"
        images, tags = labelled_subset(context, self.labels, seeds), {"replicate": replicate}
        recipe = [*self.gan, *self._quality_callback()]

        def classifier(name: str, mix: Sequence[str], **own: Tag) -> Cell:
            overrides, seed = [*images, *NO_AUGMENTATION, *mix], seeds.classifier
            return classifier_cell(f"{prefix}/{name}", overrides, steps=self.steps, seed=seed, tags={**tags, **own})

        gan = generator_cell(
            f"{prefix}/gan", recipe=recipe, images=images, steps=self.iterations[-1], seeds=seeds, tags=tags
        )
        cells = [gan, classifier("real", [], use="real")]
        for iteration in self.iterations:
            pool = pool_cell(
                f"{prefix}/pool{iteration}", gan.name, count=count, seeds=seeds,
                tags={**tags, "iteration": iteration}, more=[f"checkpoint={iteration}"],
            )  # fmt: skip
            cells.append(pool)
            for use in self.uses:
                mix = images_mix(pool.name, 1.0 if use == "alone" else self.fraction)
                cells.append(classifier(f"{use}{iteration}", mix, iteration=iteration, use=use))
        return cells

    def _quality_callback(self) -> list[str]:
        """Overrides of the GAN's training: measure quality and save the weights at every checkpoint."""
        return [
            "callback=[default,quality]", f"metric/features@callback.quality.features={self.features}",
            f"callback.quality.metric={self.metric}", f"callback.quality.names=[{','.join(self.names)}]",
            f"callback.quality.every={self.every}", f"callback.quality.count={self.samples}",
            "callback.quality.max_time_share=null", "callback.quality.keep_weights=true",
        ]  # fmt: skip

    # -- analysis ------------------------------------------------------------------------------------------------------

    def analyse(self, results: Results) -> Analysis:
        for use in self.uses:
            results.check_equal((LAST, BEST, CHOSEN), results.find(use=use), use)
        quality = self._qualities(results)
        test = {use: self._accuracies(results, use, TEST_ACCURACY) for use in self.uses}
        val = {use: self._accuracies(results, use, VAL_ACCURACY) for use in self.uses}
        real = results.values(*TEST_ACCURACY, scale=100, use="real")
        comparisons = judged(
            [
                each
                for use in self.uses
                for each in self._choices(use, quality[self.metric], test[use], val[use], results.levels)
            ]
        )
        keys = [(name, use) for use in self.uses for name in self.quality]
        correlations = {(name, use): rank_correlation(name, quality[name], test[use]) for name, use in keys}
        within = {(name, use): within_replicates(name, quality[name], test[use]) for name, use in keys}
        ranks = correlation_sentence(within[self.metric, self.uses[0]], self.metric)
        return Analysis(
            question=self.question,
            conclusion=f"{ranks} {self._stopping(comparisons[0], quality[self.metric])}",
            verdict=None,  # the question is about a correlation, the comparisons are about stopping
            comparisons=comparisons,
            tables=[
                correlation_table(correlations, quality, test, uses=USES),
                comparison_table(
                    comparisons, title="Which checkpoint to take", unit="points", metric=ACCURACY_LABEL, where="use"
                ),
                checkpoints_table(self.iterations, quality, test, real),
                published_correlations(correlations),
            ],
            plots=checkpoint_plots(self.iterations, quality, test, real, uses=USES),
            limits=self._limits(),
            numbers={
                "spearman": {
                    f"{name}/{use}": {
                        "rho": each.rho, "interval": [each.interval.low, each.interval.high], "units": each.units,
                        "within": within[name, use],
                    }
                    for (name, use), each in correlations.items()
                },
                "quality": quality, "test_accuracy": test,
            },
        )  # fmt: skip

    def _stopping(self, comparison: Comparison, quality: Grid) -> str:
        """What choosing by quality brought, in one sentence."""
        best = {best_checkpoint(oriented(self.metric, row)) for row in quality} - {None}
        if comparison.n and best == {len(self.iterations) - 1}:
            return (
                f"In all {comparison.n} GANs the checkpoint of the best {self.metric} on val was the last one: stopping by it "
                "would change nothing."
            )
        return conclusion(
            replace(comparison, where=""), arm=f"taking the GAN at its best {self.metric} on val", unit="points",
            baseline=f"training it to the end, for a classifier trained {USES[self.uses[0]]}", replicates=self.replicates,
        )  # fmt: skip

    def _qualities(self, results: Results) -> dict[str, Grid]:
        """By metric, from the quality.csv of each GAN."""
        rows = [self._quality_of(results.cell(f"r{r}/gan")) for r in range(self.replicates)]
        return {
            name: [[row.get((k, name), math.nan) for k in self.iterations] for row in rows] for name in self.quality
        }

    def _quality_of(self, gan: CellResult | None) -> dict[tuple[int, str], float]:
        if gan is None:
            return {}
        with (gan.run / "quality.csv").open() as file:
            return {
                (int(row["iteration"]), name): float(row[name]) for row in csv.DictReader(file) for name in self.quality
            }

    def _accuracies(self, results: Results, use: str, metric: tuple[str, ...]) -> Grid:
        by_iteration = [results.values(*metric, scale=100, use=use, iteration=k) for k in self.iterations]
        return [list(each) for each in zip(*by_iteration, strict=True)]

    def _choices(self, use: str, quality: Grid, test: Grid, val: Grid, levels: Levels) -> list[Comparison]:
        """Checkpoints chosen by quality, and by the classifier's own val accuracy, against the last one."""
        by_quality = [
            at(accuracies, best_checkpoint(oriented(self.metric, row)))
            for accuracies, row in zip(test, quality, strict=True)
        ]
        by_val = [at(accuracies, best_checkpoint(row)) for accuracies, row in zip(test, val, strict=True)]
        last = [accuracies[-1] for accuracies in test]
        common: dict[str, Any] = {"smallest_effect": self.smallest_effect, "where": use, "levels": levels}
        return [
            compare(by_quality, last, arm=BEST, baseline=LAST, primary=use == self.uses[0], **common),
            compare(by_val, last, arm=CHOSEN, baseline=LAST, **common),
            compare(by_val, by_quality, arm=CHOSEN, baseline=BEST, **common),
        ]

    def _limits(self) -> list[str]:
        reference = ", and those of all training images in the reference classifier"
        more_labels = reference if self.features == "classifier" else ""
        return [
            "The checkpoints come from one recipe trained for longer and longer; GANs of other recipes may rank differently.",
            f"Quality is measured on {self.samples} samples against val with features `{self.features}`; the small val split "
            "adds noise, which moves every rank correlation towards 0.",
            f"Choices use labels that GAN and classifier do not have: val's{more_labels}.",
            "A correlation over training time also arises between any two things that both improve with it; it shows no cause.",
            "All checkpoints of a replicate share the seeds of the pool and of the classifier.",
        ]
