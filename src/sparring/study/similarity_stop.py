"""`study=similarity_stop`: does a GAN whose images look more like real ones make the better classifier?

Each replicate trains one GAN and keeps its weights at several iterations. From each of them images are drawn and a classifier is
trained. Quality (measured against val while the GAN trains) and usefulness (test accuracy of the classifier) are then ranked.
"""

import csv
import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from omegaconf import DictConfig

from sparring.core.errors import ConfigError
from sparring.metric.suite import METRICS, check_names
from sparring.study.base import Study, check_effect
from sparring.study.cells.recipes import PLAIN, generator_cell, images_per_class, labelled, pool_cell, training
from sparring.study.engine.cell import Cell, Seeds
from sparring.study.engine.results import CellResult, Results
from sparring.study.stats.verdict import Comparison, compare, corrected
from sparring.study.tables.analysis import Analysis, Line, Plot, Table, answer, comparison_table, number
from sparring.study.tables.curve import mean_line
from sparring.study.tables.similarity import (
    Grid,
    at,
    best_place,
    correlation_table,
    in_words,
    mean,
    published,
    rank_correlation,
    within_each,
)

TEST, VAL = ("metrics", "test", "accuracy"), ("metrics", "val", "accuracy")
USES = {"alone": "on the images alone", "added": "on real images, a share of each batch replaced by the images"}
LAST, BEST, CHOSEN = "last", "best quality", "best classifier on val"


class SimilarityStop(Study):
    """Checkpoints x uses of their images, over replicates."""

    question = "If a GAN's images look more like real ones, is the classifier that they train better?"

    def __init__(
        self, *, replicates: int, seed: int, labels_per_class: int | None, gan: Sequence[str], every: int, checkpoints: int,
        quality: Sequence[str], metric: str, features: str, samples: int, uses: Sequence[str], steps: int, pool: int,
        fraction: float, smallest_effect: float,
    ) -> None:  # fmt: skip
        """labels_per_class: images that GAN and classifier have, None: all. gan: overrides of its training, which takes
        every * checkpoints iterations. quality: metrics of `samples` images, on `features`; `metric` chooses the best.

        uses: of USES, the first is primary. steps: of each classifier. pool: generated images per labelled image.
        fraction: of the batch, for the use "added". smallest_effect: points of accuracy that would matter.

        Raises:
            ConfigError: a metric or use that there is not, fewer than 3 checkpoints, a number out of range.
        """
        super().__init__(replicates=replicates, seed=seed)
        check_effect(smallest_effect)
        self.quality = [name for name in check_names(quality) if METRICS[name][1] is not None]
        if metric not in self.quality:
            raise ConfigError(
                f"study.metric={metric} must be one of study.quality={list(quality)} that has a better end."
            )
        if not uses or set(uses) - set(USES):
            raise ConfigError(f"study.uses={list(uses)} must name one or both of {', '.join(USES)}.")
        if checkpoints < 3 or every < 1:
            raise ConfigError(
                f"study.checkpoints={checkpoints} must be at least 3, fewer have no ranks, and study.every={every} at least 1."
            )
        if not 0 < fraction < 1 or pool < 1:
            raise ConfigError(f"study.fraction={fraction} must be between 0 and 1, study.pool={pool} at least 1.")
        self.labels, self.gan, self.names = labels_per_class, list(gan), list(quality)
        self.kept = [every * number for number in range(1, checkpoints + 1)]
        self.every, self.metric, self.features, self.samples = every, metric, features, samples
        self.uses, self.steps, self.pool, self.fraction = list(dict.fromkeys(uses)), steps, pool, fraction
        self.smallest_effect = smallest_effect

    # -- cells ---------------------------------------------------------------------------------------------------------

    def cells(self, config: DictConfig) -> list[Cell]:
        count = images_per_class(config, self.labels)
        return [cell for r in range(self.replicates) for cell in self._replicate(config, r, count)]

    def _replicate(self, config: DictConfig, replicate: int, per_class: int) -> list[Cell]:
        seeds, place = self.seeds(replicate), f"r{replicate}"
        images, tags = labelled(config, self.labels, seeds), {"replicate": replicate}
        recipe = [*self.gan, *self._measuring()]
        cells = [
            generator_cell(
                f"{place}/gan", recipe=recipe, images=images, steps=self.kept[-1], seeds=seeds, tags=dict(tags)
            ),
            self._classifier(f"{place}/real", images, [], seeds, {**tags, "use": "real"}),
        ]
        count = self.pool * per_class * config.data.num_classes
        for iteration in self.kept:
            pool, own = f"{place}/pool{iteration}", {**tags, "iteration": iteration}
            drawn = pool_cell(pool, f"{place}/gan", count=count, seeds=seeds, tags=dict(own))
            cells.append(replace(drawn, overrides=(*drawn.overrides, f"checkpoint={iteration}")))
            for use in self.uses:
                share = 1.0 if use == "alone" else self.fraction
                mix = ["data/mix=images", f"data.mix.images=[cell:{pool}]", f"data.mix.fraction={share}"]
                cells.append(self._classifier(f"{place}/{use}{iteration}", images, mix, seeds, {**own, "use": use}))
        return cells

    def _measuring(self) -> list[str]:
        return [
            "callback=[default,quality]", f"metric/features@callback.quality.features={self.features}",
            f"callback.quality.metric={self.metric}", f"callback.quality.names=[{','.join(self.names)}]",
            f"callback.quality.every={self.every}", f"callback.quality.count={self.samples}",
            "callback.quality.max_time_share=null", "callback.quality.keep_weights=true",
        ]  # fmt: skip

    def _classifier(self, name: str, images: list[str], mix: list[str], seeds: Seeds, tags: dict[str, Any]) -> Cell:
        given = ("model=classifier", *images, *PLAIN, *mix, *training(steps=self.steps, seed=seeds.classifier))
        return Cell(name, "train", given, tags)

    # -- analysis ------------------------------------------------------------------------------------------------------

    def analyse(self, results: Results) -> Analysis:
        for use in self.uses:
            results.check_equal((LAST, BEST, CHOSEN), results.find(use=use), use)
        quality = self._qualities(results)
        test = {use: self._accuracies(results, use, TEST) for use in self.uses}
        val = {use: self._accuracies(results, use, VAL) for use in self.uses}
        comparisons = corrected(
            [it for use in self.uses for it in self._choices(use, quality[self.metric], test[use], val[use])]
        )
        correlations = {
            (name, use): rank_correlation(name, quality[name], test[use]) for use in self.uses for name in self.quality
        }
        within = {key: within_each(key[0], quality[key[0]], test[key[1]]) for key in correlations}
        stopped = self._stopped(comparisons[0], quality[self.metric])
        return Analysis(
            question=self.question, verdict=None,  # the question is about a correlation, the comparisons about stopping
            answer=f"{in_words(within[self.metric, self.uses[0]], self.metric)} {stopped}",
            comparisons=comparisons,
            tables=[
                correlation_table(correlations, quality, test, uses=USES),
                comparison_table(
                    comparisons, title="Which checkpoint to take", unit="points", metric="test accuracy, %", where="use"
                ),
                self._checkpoints(results, quality, test),
                published(correlations),
            ],
            plots=self._plots(results, quality, test), limits=self._limits(),
            numbers={
                "spearman": {
                    f"{name}/{use}": {
                        "rho": it.rho, "interval": [it.interval.low, it.interval.high], "units": it.units,
                        "within": within[name, use],
                    }
                    for (name, use), it in correlations.items()
                },
                "quality": quality, "test_accuracy": test,
            },
        )  # fmt: skip

    def _stopped(self, it: Comparison, quality: Grid) -> str:
        """What choosing by quality brought, in one sentence."""
        places = {best_place(row, higher=bool(METRICS[self.metric][1])) for row in quality} - {None}
        if it.n and places == {len(self.kept) - 1}:
            return f"In all {it.n} GANs the best {self.metric} on val was the last one: stopping by it would change nothing."
        return answer(
            replace(it, where=""), what=f"taking the GAN at its best {self.metric} on val", unit="points",
            baseline=f"training it to the end, for a classifier trained {USES[self.uses[0]]}", replicates=self.replicates,
        )  # fmt: skip

    def _qualities(self, results: Results) -> dict[str, Grid]:
        """By metric, from the quality.csv of each GAN."""
        rows = [self._measured(results.cell(f"r{r}/gan")) for r in range(self.replicates)]
        return {name: [[row.get((k, name), math.nan) for k in self.kept] for row in rows] for name in self.quality}

    def _measured(self, gan: CellResult | None) -> dict[tuple[int, str], float]:
        if gan is None:
            return {}
        with (gan.run / "quality.csv").open() as file:
            return {
                (int(row["iteration"]), name): float(row[name]) for row in csv.DictReader(file) for name in self.quality
            }

    def _accuracies(self, results: Results, use: str, metric: tuple[str, ...]) -> Grid:
        found = [results.values(*metric, scale=100, use=use, iteration=k) for k in self.kept]
        return [list(each) for each in zip(*found, strict=True)]

    def _choices(self, use: str, quality: Grid, test: Grid, val: Grid) -> list[Comparison]:
        """Checkpoints chosen by quality, and by the classifier's own val accuracy, against the last one."""
        by_quality = [
            at(row, best_place(each, higher=bool(METRICS[self.metric][1])))
            for row, each in zip(test, quality, strict=True)
        ]
        by_val = [at(row, best_place(each, higher=True)) for row, each in zip(test, val, strict=True)]
        last = [row[-1] for row in test]
        common: dict[str, Any] = {"smallest_effect": self.smallest_effect, "where": use}
        return [
            compare(by_quality, last, arm=BEST, baseline=LAST, primary=use == self.uses[0], **common),
            compare(by_val, last, arm=CHOSEN, baseline=LAST, **common),
            compare(by_val, by_quality, arm=CHOSEN, baseline=BEST, **common),
        ]

    def _checkpoints(self, results: Results, quality: dict[str, Grid], test: dict[str, Grid]) -> Table:
        rows = []
        for place, iteration in enumerate(self.kept):
            values = [quality[name] for name in self.quality] + [test[use] for use in self.uses]
            rows.append((str(iteration), *[number(mean([row[place] for row in grid]), 3) for grid in values]))
        real = results.values(*TEST, scale=100, use="real")
        accuracies = [f"test accuracy, % ({use})" for use in self.uses]
        return Table(
            "Quality and usefulness at each checkpoint", ("iteration", *self.quality, *accuracies), tuple(rows),
            f"Means over replicates. The classifier trained for as long on the real images alone: {number(mean(real))} %.",
        )  # fmt: skip

    def _plots(self, results: Results, quality: dict[str, Grid], test: dict[str, Grid]) -> list[Plot]:
        x = tuple(map(float, self.kept))
        real = results.values(*TEST, scale=100, use="real")
        lines: list[Line] = [mean_line(USES[use], list(zip(*test[use], strict=True))) for use in self.uses]
        lines.append(mean_line("on real images alone", [real] * len(self.kept)))
        note = "Means and 95 % t intervals over replicates."
        plots = [
            Plot(
                "Accuracy of the classifier by the GAN's age",
                "iteration of the GAN",
                "test accuracy, %",
                x,
                tuple(lines),
                note=note,
            )
        ]
        for name in self.quality:
            better = "higher is better" if METRICS[name][1] else "lower is better"
            line = mean_line(name, list(zip(*quality[name], strict=True)))
            plots.append(
                Plot(
                    f"Quality by the GAN's age: {name}",
                    "iteration of the GAN",
                    f"{name}, {better}",
                    x,
                    (line,),
                    note=note,
                )
            )
        return plots

    def _limits(self) -> list[str]:
        return [
            "The checkpoints come from one recipe trained for longer and longer; GANs of other recipes may rank otherwise.",
            f"Quality is measured on {self.samples} samples against val with features `{self.features}`; the small val split "
            "adds noise, which pulls every rank correlation towards 0.",
            "Choices use labels that GAN and classifier have not: val's"
            + (
                ", and those of all training images in the reference classifier."
                if self.features == "classifier"
                else "."
            ),
            "A correlation over training time is also that of two things which both improve with it; it is no cause.",
            "All checkpoints of a replicate share the seeds of the pool and of the classifier.",
        ]
