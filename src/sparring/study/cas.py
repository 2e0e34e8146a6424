"""`study=cas`: how well a classifier does that was trained on generated images only, beside the metrics of the same images.

Classification accuracy score, or GAN-train (Ravuri and Vinyals 2019, section 3; Shmelkov et al. 2018): every training image is
replaced by a generated one of the same class. GAN-test is the other way round: a classifier trained on real images judges the
generated ones. Naive augmentation is half of each. A score equal to that of real images does not mean a good generator: one
that replays its training images has it too (arm `replay`).
"""

import math
from collections.abc import Sequence
from typing import Any, ClassVar

from omegaconf import DictConfig

from sparring.core.errors import ConfigError
from sparring.study.base import ArmStudy
from sparring.study.cells.recipes import (
    check_labels,
    class_sizes,
    classic,
    generator_cell,
    labelled,
    pool_cell,
    training,
)
from sparring.study.engine.cell import Cell
from sparring.study.engine.results import Results, Tag
from sparring.study.stats.statistics import t_interval
from sparring.study.stats.verdict import Comparison, corrected
from sparring.study.tables.analysis import (
    DASH,
    Analysis,
    Line,
    Picture,
    Plot,
    Table,
    answer,
    comparison_table,
    number,
    spread,
    told_clear,
)
from sparring.study.tables.curve import class_line, mean_line
from sparring.study.tables.published import anchor_table
from sparring.study.tables.readings import record_of, value_of, value_text
from sparring.study.tables.training_images import training_picture

ACCURACY = ("metrics", "test", "accuracy")
METRICS = ("fd", "kid", "precision", "recall", "density", "coverage", "authentic", "agreement")
GENERATED = ("generated", "naive")
# Overrides of arms that are not trained on real images alone; {pool} is the run that made the images.
MIXES = {
    "generated": ("data/mix=images", "data.mix.images=[cell:{pool}]", "data.mix.fraction=1.0"),
    "naive": ("data/mix=images", "data.mix.images=[cell:{pool}]", "data.mix.fraction=0.5"),
    "gaussian": ("data/mix=gaussian", "data.mix.per_class={per_class}", "data.mix.fraction=1.0"),
    "replay": ("data/mix=replay", "data.mix.balanced=false", "data.mix.fraction=1.0"),
}


class CAS(ArmStudy):
    """Arms by what the classifier is trained on, and a row of metrics of the generated images."""

    question = "Can a classifier learn from generated images alone?"
    ARMS: ClassVar[dict[str, str]] = {
        "real": "the real training images: the reference",
        "generated": "generated images only, as many of each class (GAN-train, classification accuracy score)",
        "naive": "half real, half generated images in each batch (naive augmentation score)",
        "gaussian": "only draws from a Gaussian per class, fitted to the real images: what a generator must beat",
        "replay": "a generator that has learned its training images by heart: the score cannot tell it from a good one",
    }

    def __init__(
        self,
        *,
        labels_per_class: int | None,
        steps: int,
        crop: float,
        gan: Sequence[str],
        gan_steps: int,
        features: str,
        **common: Any,
    ) -> None:
        """labels_per_class: real images of each class for classifier and GAN; None: all. steps: of each classifier.

        crop: shift of the classic augmentation of every arm, share of the side. gan, gan_steps: the GAN's training.
        features: choice of `metric/features` that the generated images are measured in.

        Raises:
            ConfigError: as ArmStudy; also where neither of the arms needs a GAN, or real images are not the baseline.
        """
        super().__init__(**common)
        if self.baseline != "real" or self.primary not in GENERATED:
            raise ConfigError(
                f"study.baseline={self.baseline} must be real, and study.primary={self.primary} one of generated, naive."
            )
        self.labels, self.steps, self.crop = labels_per_class, steps, crop
        self.gan, self.gan_steps, self.features = list(gan), gan_steps, features

    # -- cells ---------------------------------------------------------------------------------------------------------

    def cells(self, config: DictConfig) -> list[Cell]:
        if self.labels is not None:
            check_labels(config, [self.labels], beyond=False)
            count = self.labels * config.data.num_classes
        else:
            count = sum(class_sizes(config).values())
        return [cell for r in range(self.replicates) for cell in self._replicate(config, r, count)]

    def _replicate(self, config: DictConfig, r: int, count: int) -> list[Cell]:
        seeds = self.seeds(r)
        tags: dict[str, Tag] = {"replicate": r}
        images, looks = labelled(config, self.labels, seeds), classic(config, self.crop)
        cells = [
            generator_cell(f"r{r}/gan", recipe=self.gan, images=images, steps=self.gan_steps, seeds=seeds, tags=tags),
            pool_cell(f"r{r}/pool", f"r{r}/gan", count=count, seeds=seeds, tags=tags, label="prior"),
        ]
        for arm in self.arms:
            added = [
                item.format(pool=f"r{r}/pool", per_class=max(1, count // config.data.num_classes))
                for item in MIXES.get(arm, ())
            ]
            given = ("model=classifier", *images, *looks, *added, *training(steps=self.steps, seed=seeds.classifier))
            cells.append(Cell(f"r{r}/{arm}", "train", given, {**tags, "arm": arm}))
        held = (f"images=cell:r{r}/pool", f"reference=cell:r{r}/real", "report=false", "splits=[test]")
        quality = (*held, f"metric/features={self.features}", f"metric.names=[{','.join(METRICS)}]")
        judge = (*held, "metric/features=classifier", f"metric.features.run=cell:r{r}/real", "metric.names=[agreement]")
        cells.append(Cell(f"r{r}/quality", "evaluate", quality, {**tags, "part": "quality"}))
        cells.append(Cell(f"r{r}/gan_test", "evaluate", judge, {**tags, "part": "gan_test"}))
        return cells

    # -- analysis ------------------------------------------------------------------------------------------------------

    def analyse(self, results: Results) -> Analysis:
        others = [arm for arm in self.arms if arm != self.baseline]
        pairs = [(arm, self.baseline) for arm in others]
        if "gaussian" in others:
            pairs += [(arm, "gaussian") for arm in others if arm == "generated"]
        found = corrected([self._compare(results, *pair) for pair in pairs])
        comparisons = sorted(found, key=lambda it: not it.primary)
        primary = comparisons[0]
        what = (
            "training on generated images alone" if primary.arm == "generated" else "replacing half by generated images"
        )
        said = answer(primary, what=what, baseline="training on real images", unit="points", replicates=self.replicates)
        judged = self._gan_test(results)
        return Analysis(
            question=self.question, answer=f"{said} {self._judged(results, judged)} {told_clear(comparisons[1:])}".rstrip(),
            verdict=primary.verdict, comparisons=comparisons,
            tables=[
                *self._compared(comparisons), self._metrics(results, judged), self._per_replicate(results, judged),
                Table("The arms", ("arm", "what its classifier is trained on"), tuple((a, self.ARMS[a]) for a in self.arms)),
                anchor_table("cas", {}),
            ],
            plots=self._plots(results), pictures=self._pictures(results), limits=self._limits(),
        )  # fmt: skip

    def _compare(self, results: Results, arm: str, baseline: str) -> Comparison:
        return results.compare(
            *ACCURACY, arm=arm, baseline=baseline, scale=100, smallest_effect=self.smallest_effect,
            primary=(arm, baseline) == (self.primary, self.baseline),
        )  # fmt: skip

    def _accuracies(self, results: Results, arm: str) -> list[float]:
        return [value for value in results.values(*ACCURACY, scale=100, arm=arm) if not math.isnan(value)]

    def _compared(self, comparisons: Sequence[Comparison]) -> list[Table]:
        titles = {
            self.baseline: "Test accuracy by what the classifier was trained on",
            "gaussian": "Generated images against draws from a Gaussian",
        }
        by_baseline = {baseline: [it for it in comparisons if it.baseline == baseline] for baseline in titles}
        return [
            comparison_table(found, title=titles[baseline], unit="points", metric="test accuracy, %", where="")
            for baseline, found in by_baseline.items()
            if found
        ]

    def _judged(self, results: Results, judged: Sequence[float]) -> str:
        real = spread(self._accuracies(results, "real"))
        return f"A classifier of real images recognises {spread(judged)} % of the generated images and {real} % of real ones."

    def _gan_test(self, results: Results) -> list[float]:
        return [
            100 * value for each in results.find(part="gan_test") if (value := value_of(each, "agreement")) is not None
        ]

    def _metrics(self, results: Results, judged: Sequence[float]) -> Table:
        """Mean over replicates of every metric of the generated images."""
        rows = [_row("GAN-test, %", judged, DASH)]
        for name in METRICS:
            values, references, full = [], [], name
            for each in results.find(part="quality"):
                record = record_of(each, name)
                full = str(record["name"])
                values += [record["value"]] if record["value"] is not None else []
                references += [record["real_data_reference"]] if record["real_data_reference"] is not None else []
            rows.append(_row(full, values, number(sum(references) / len(references), 3) if references else DASH))
        return Table(
            "The generated images themselves, against the test images", ("metric", "mean ± sd", "95 % t", "real-data reference"),
            tuple(rows), "Real-data reference: the value of training images in place of generated ones. GAN-test: share of "
            "generated images that the classifier trained on real ones assigns to the class asked for; above the accuracy on "
            "real images it hints at images that are too easy, or copied. AuthPct: share of generated images that copy no "
            "training image.",
        )  # fmt: skip

    def _per_replicate(self, results: Results, judged: Sequence[float]) -> Table:
        """Usefulness beside quality, so that anybody can look for a relation."""
        arms = [arm for arm in ("real", *GENERATED) if arm in self.arms]
        rows = []
        for r in range(self.replicates):
            each = results.one(part="quality", replicate=r)
            test = results.one(part="gan_test", replicate=r)
            accuracy = [results.one(arm=arm, replicate=r) for arm in arms]
            told = [number(100 * one.get(*ACCURACY)) if one else DASH for one in accuracy]
            quality = [value_text(each, name) for name in ("fd", "kid", "coverage", "authentic")]
            rows.append((str(r), *told, value_text(test, "agreement", 100), *quality))
        head = ("replicate", *arms, "GAN-test", "fd", "kid", "coverage", "AuthPct")
        return Table("Replicate by replicate", head, tuple(rows), "Accuracies in %.")

    def _plots(self, results: Results) -> list[Plot]:
        note = "Means and 95 % t intervals over replicates; intervals of single arms, not of the paired differences."
        line = mean_line("accuracy", [results.values(*ACCURACY, scale=100, arm=arm) for arm in self.arms])
        plots = [Plot("Accuracy by training images", "", "test accuracy, %", tuple(self.arms), (line,), note=note)]
        real = results.find(arm="real")
        if real:
            lines = [
                class_line(arm, results, "metrics", "test", "per_class", scale=100, arm=arm)
                for arm in self.arms if arm in ("real", *GENERATED)
            ]  # fmt: skip
            names = tuple(map(str, real[0].get("classes")))
            lines.append(self._class_test(results, len(names)))
            plots.append(Plot("Accuracy by class", "class", "accuracy, %", names, tuple(lines), note=note))
        return plots

    def _class_test(self, results: Results, classes: int) -> Line:
        """GAN-test of each class."""
        found = [record_of(each, "agreement")["more"]["per_class"] for each in results.find(part="gan_test")]
        points = [[100 * each.get(str(k), math.nan) for each in found] for k in range(classes)]
        return mean_line("GAN-test", points)

    def _pictures(self, results: Results) -> list[Picture]:
        found = [(arm, results.one(arm=arm, replicate=0)) for arm in self.arms if arm != "replay"]
        return [training_picture(each, title=arm, note=self.ARMS[arm]) for arm, each in found if each is not None]

    def _limits(self) -> list[str]:
        return [
            "The numbers hold for this classifier, this GAN, this data set and these numbers of steps.",
            "All replicates share the test images, and the training images unless study.labels_per_class is given.",
            "A score near that of real images does not show that the generator makes anything new: see replay and AuthPct.",
            f"Distances are in the features `{self.features}` and cannot be compared with others.",
        ]


def _row(name: str, values: Sequence[float], reference: str) -> tuple[str, ...]:
    if not values:
        return name, DASH, DASH, reference
    mean, reach = sum(values) / len(values), t_interval(values)
    sd = math.sqrt(sum((value - mean) ** 2 for value in values) / (len(values) - 1)) if len(values) > 1 else math.nan
    return name, f"{number(mean, 3)} ± {number(sd, 3)}", f"[{number(reach.low, 3)}, {number(reach.high, 3)}]", reference
