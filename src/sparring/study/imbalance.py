"""`study=imbalance`: do a GAN's images of the rare classes help more than showing the rare images more often?

The training images have a long tail: class k of K keeps ratio^(-k / (K - 1)) of the largest. The GAN is trained on that tail
and makes equally many images of every class; oversampling shows the same real images so that classes are equal. Both
replace the same share of each batch. Two more ways without a GAN stand beside them: class weights in the loss, and mixup.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

import torch
from omegaconf import DictConfig

from sparring.config.build import build
from sparring.core.errors import ConfigError
from sparring.data.module.image_data import ImageData
from sparring.metric.classification import balanced_accuracy, macro_f1, per_class
from sparring.study.base import ArmStudy
from sparring.study.cells.recipes import PLAIN, check_labels, classic, generator_cell, pool_cell, training
from sparring.study.engine.cell import Cell
from sparring.study.engine.results import CellResult, Results
from sparring.study.stats.verdict import Comparison, compare, corrected
from sparring.study.tables.analysis import Analysis, Plot, Table, answer, comparison_table, number, spread, told_clear
from sparring.study.tables.curve import class_line, mean_line
from sparring.study.tables.mcnemar import pair_table
from sparring.study.tables.published import anchor_table

ACCURACY = ("metrics", "test/accuracy", "value")
MEASURES = {
    "balanced accuracy": "mean recall over classes, %",
    "rare recall": "mean recall over the rare classes, %",
    "macro F1": "mean F1 over classes, %",
    "accuracy": "test accuracy, %",
}
GENERATED = ("gan", "gan_aug")
UNAUGMENTED = ("none", "gan")
LOSSES = {"class_weights": ["model.class_weights=balanced"], "mixup": ["model/transform=[mixup]"]}


class Imbalance(ArmStudy):
    """Imbalance ratios x arms, over paired replicates."""

    question = (
        "When some classes are rare, do a GAN's images of them help more than showing their few images more often?"
    )
    ARMS: ClassVar[dict[str, str]] = {
        "none": "the images as they are",
        "aug": "with classic augmentation: random shifts, mirroring where the data allows it",
        "oversample": "as aug, a share of each batch replaced by the same images, all classes equally often",
        "class_weights": "as aug, each image weighted by the inverse frequency of its class in the loss",
        "mixup": "as aug, and every image and label is blended with another one's",
        "gan": "as none, a share replaced by images of a GAN trained on the same images, all classes equally often",
        "gan_aug": "as aug, a share replaced by images of that GAN",
    }

    def __init__(
        self, *, ratios: Sequence[float], primary_ratio: float, largest: int | None, rare: int, steps: int, crop: float,
        gan: Sequence[str], gan_steps: int, pool: int, fraction: float, **common: Any,
    ) -> None:  # fmt: skip
        """ratios: images of the largest class over those of the smallest; primary_ratio: the one that the verdict is about.

        largest: images of the largest class; None: all. rare: how many of the smallest classes are called rare. steps: of
        each classifier. crop: shift of the augmentation, as a share of the side. gan, gan_steps: overrides and iterations of
        the GAN. pool: generated images of each class. fraction: share of each batch that is replaced, 0 to 1.

        Raises:
            ConfigError: numbers out of range.
        """
        super().__init__(**common)
        if primary_ratio not in ratios or any(ratio <= 1 for ratio in ratios):
            raise ConfigError(
                f"study.ratios={list(ratios)} must all be above 1, and study.primary_ratio={primary_ratio} one of them."
            )
        if not 0 < fraction < 1 or pool < 1 or rare < 1:
            raise ConfigError(
                f"study.fraction={fraction} must be between 0 and 1, study.pool={pool} and study.rare={rare} at least 1."
            )
        self.ratios, self.primary_ratio, self.largest, self.rare = list(ratios), primary_ratio, largest, rare
        self.steps, self.crop, self.gan, self.gan_steps = steps, crop, list(gan), gan_steps
        self.pool, self.fraction = pool, fraction

    # -- cells ---------------------------------------------------------------------------------------------------------

    def cells(self, config: DictConfig) -> list[Cell]:
        if self.rare >= config.data.num_classes:
            raise ConfigError(
                f"study.rare={self.rare} must be below the {config.data.num_classes} classes of the data."
            )
        if self.largest is not None:
            check_labels(config, [self.largest], beyond=False)
        self.sizes = {ratio: self._class_sizes(config, ratio) for ratio in self.ratios}
        each = [self._replicate(config, ratio, r) for ratio in self.ratios for r in range(self.replicates)]
        return [cell for cells in each for cell in cells]

    def _class_sizes(self, config: DictConfig, ratio: float) -> list[int]:
        """Training images of each class; they are the same for every draw of the images. Raises DataError for none."""
        settings = config.data.copy()
        settings.imbalance, settings.labels_per_class = ratio, self.largest
        data: ImageData = build(settings, section="data", extensions=list(config.extensions))
        data.setup("fit")
        return torch.bincount(data.train_labels, minlength=data.shape.num_classes).tolist()

    def _replicate(self, config: DictConfig, ratio: float, replicate: int) -> list[Cell]:
        seeds, place = self.seeds(replicate), f"ratio{ratio:g}/r{replicate}"
        tags: dict[str, Any] = {"ratio": float(ratio), "replicate": replicate}
        few = [] if self.largest is None else [f"data.labels_per_class={self.largest}"]
        batch = min(config.data.batch_size, sum(self.sizes[ratio]))
        images = [f"data.imbalance={ratio}", *few, f"data.subset_seed={seeds.subset}", f"data.batch_size={batch}"]
        cells = []
        if any(arm in GENERATED for arm in self.arms):
            made = generator_cell(
                f"{place}/generator", recipe=self.gan, images=images, steps=self.gan_steps, seeds=seeds, tags=tags
            )
            count = self.pool * config.data.num_classes
            cells += [made, pool_cell(f"{place}/pool", made.name, count=count, seeds=seeds, tags=tags)]
        for arm in self.arms:
            given = (*images, *self._arm(arm, config, place), *training(steps=self.steps, seed=seeds.classifier))
            cells.append(Cell(f"{place}/{arm}", "train", ("model=classifier", *given), {**tags, "arm": arm}))
        return cells

    def _arm(self, arm: str, config: DictConfig, place: str) -> list[str]:
        """What tells the arm from the others."""
        looks = list(PLAIN) if arm in UNAUGMENTED else classic(config, self.crop)
        if arm in GENERATED:
            looks += ["data/mix=images", f"data.mix.images=[cell:{place}/pool]"]
        elif arm == "oversample":
            looks += ["data/mix=replay", "data.mix.balanced=true"]
        else:
            return [*looks, *LOSSES.get(arm, [])]
        return [*looks, f"data.mix.fraction={self.fraction}"]

    # -- analysis ------------------------------------------------------------------------------------------------------

    def analyse(self, results: Results) -> Analysis:
        arms = [arm for arm in self.arms if arm != self.baseline]
        keys = [(measure, ratio, arm) for measure in MEASURES for ratio in self.ratios for arm in arms]
        found = dict(zip(keys, corrected([self._compare(results, *key) for key in keys]), strict=True))
        comparisons = sorted(found.values(), key=lambda it: not it.primary)
        said = answer(
            replace(comparisons[0], where=self._where(self.primary_ratio)), unit="points of balanced accuracy",
            what="adding the GAN's images of every class" if self.primary in GENERATED else self.primary,
            baseline="oversampling the rare classes" if self.baseline == "oversample" else self.baseline,
            replicates=self.replicates,
        )  # fmt: skip
        tables = [
            comparison_table(
                [it for (name, _, _), it in found.items() if name == measure], unit="points", metric=unit,
                title=f"{measure[0].upper()}{measure[1:]} of every arm against {self.baseline}", where="setting",
            )
            for measure, unit in MEASURES.items()
        ]  # fmt: skip
        told = told_clear([it for (name, _, _), it in found.items() if name == "balanced accuracy" and not it.primary])
        others = f"Of balanced accuracy, {told}" if told else ""
        about = tuple((arm, self.ARMS[arm]) for arm in self.arms)
        return Analysis(
            question=self.question, answer=f"{said} {others}".rstrip(),
            verdict=comparisons[0].verdict, comparisons=comparisons,
            tables=[*tables, self._pair(results), Table("The arms", ("arm", "what its classifier is trained on"), about),
                    self._sizes(results), self._costs(results), anchor_table("imbalance", {})],
            plots=self._plots(results), limits=self._limits(),
        )  # fmt: skip

    def _where(self, ratio: float) -> str:
        return f"an imbalance of {ratio:g}"

    def _compare(self, results: Results, measure: str, ratio: float, arm: str) -> Comparison:
        primary = (measure, ratio, arm) == ("balanced accuracy", self.primary_ratio, self.primary)
        common: dict[str, Any] = {
            "arm": arm, "baseline": self.baseline, "smallest_effect": self.smallest_effect, "where": f"ratio {ratio:g}",
            "measure": f"test {measure}", "primary": primary,
        }  # fmt: skip
        if measure == "accuracy":  # also checks that both were trained equally long
            return results.compare(*ACCURACY, scale=100, ratio=float(ratio), **common)
        values = [self._measured(results, measure, ratio, each) for each in (arm, self.baseline)]
        return compare(*values, **common)

    def _measured(self, results: Results, measure: str, ratio: float, arm: str) -> list[float]:
        """In %, per replicate; NaN where the cell failed."""
        cells = [results.one(replicate=r, arm=arm, ratio=float(ratio)) for r in range(self.replicates)]
        return [float("nan") if each is None else 100 * self._value(each, measure) for each in cells]

    def _value(self, each: CellResult, measure: str) -> float:
        counts = torch.tensor(each.get("classification", "test", "confusion"))
        if measure == "macro F1":
            return macro_f1(counts)
        if measure == "rare recall":  # the last classes are the smallest
            known = [value for value in per_class(counts)[-self.rare :] if value is not None]
            return sum(known) / len(known) if known else float("nan")
        return balanced_accuracy(counts)

    def _pair(self, results: Results) -> Table:
        places = {f"ratio {ratio:g}": {"ratio": float(ratio)} for ratio in self.ratios}
        return pair_table(results, arm=self.primary, baseline=self.baseline, places=places)

    def _sizes(self, results: Results) -> Table:
        found = results.find(arm=self.baseline)
        names = [str(name) for name in found[0].get("classes")] if found else []
        rows = [(f"{ratio:g}", *map(str, self.sizes[ratio])) for ratio in self.ratios] if names else []
        return Table(
            "Training images of each class", ("ratio", *names), tuple(rows), f"The last {self.rare} are called rare."
        )

    def _costs(self, results: Results) -> Table:
        parts = [
            ("GAN", {"part": "generator"}),
            ("pool", {"part": "pool"}),
            *[(arm, {"arm": arm}) for arm in self.arms],
        ]
        rows = []
        for name, tags in parts:
            seconds = [float(each.get("cost", "seconds")) for each in results.find(**tags)]
            if seconds:
                rows.append((name, spread(seconds), number(len(seconds), 0)))
        return Table("What it cost", ("run", "seconds", "runs"), tuple(rows), "Wall time: mean ± standard deviation.")

    def _plots(self, results: Results) -> list[Plot]:
        note = "Means and 95 % t intervals over replicates; of single arms, not of the paired differences."
        plots = []
        for measure in ("balanced accuracy", "rare recall"):
            points = {arm: [self._measured(results, measure, r, arm) for r in self.ratios] for arm in self.arms}
            title, unit = f"{measure[0].upper()}{measure[1:]} by imbalance", MEASURES[measure]
            if len(self.ratios) > 1:
                lines = tuple(mean_line(arm, each) for arm, each in points.items())
                x = tuple(map(float, self.ratios))
                plots.append(Plot(title, "largest class / smallest", unit, x, lines, log_x=True, note=note))
            else:
                line = mean_line(measure, [each[0] for each in points.values()])
                plots.append(Plot(title, "", unit, tuple(points), (line,), note=note))
        found = results.find(arm=self.baseline, ratio=float(self.primary_ratio))
        if found:
            tags: dict[str, Any] = {"ratio": float(self.primary_ratio)}
            by_class = [
                class_line(arm, results, "classification", "test", "per_class", scale=100, arm=arm, **tags)
                for arm in dict.fromkeys((self.arms[0], self.baseline, self.primary))
            ]
            title = f"Recall by class, {self._where(self.primary_ratio)}: from the most frequent to the rarest"
            names = tuple(map(str, found[0].get("classes")))
            plots.append(Plot(title, "class", "recall on test, %", names, tuple(by_class), note=note))
        return plots

    def _limits(self) -> list[str]:
        return [
            "Which classes are rare is fixed by their order in the data set; other rare classes may be harder or easier.",
            "Class weights balance the whole loss; oversampling and generated images balance their share of the batch.",
            "The smallest classes have a handful of images: a GAN can do little more with them than repeat them.",
            "All replicates share the test images, which are as balanced as the data set.",
        ]
