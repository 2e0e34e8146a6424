"""`study=filter`: are a GAN's images more useful when the poor ones are left out, and how many should stay?

One GAN and one large pool per replicate; every rule keeps a share of the pool. The networks that judge are the GAN's own
discriminator and a classifier trained on the same labelled images, so no rule knows more than the arm it serves.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from omegaconf import DictConfig

from sparring.core.errors import ConfigError
from sparring.core.wording import listing, near
from sparring.study.base import Study, check_effect
from sparring.study.cells.recipes import PLAIN, generator_cell, images_per_class, labelled, pool_cell, training
from sparring.study.engine.cell import Cell, Seeds
from sparring.study.engine.results import CellResult, Results
from sparring.study.stats.verdict import Comparison, corrected
from sparring.study.tables.analysis import Analysis, Plot, Table, answer, comparison_table, spread, told_clear
from sparring.study.tables.curve import kept_plot

ACCURACY = ("metrics", "test/accuracy", "value")
USES = {"alone": "on the images alone", "added": "on real images, a share of each batch replaced by the images"}
ALL, AGREE = "all", "agree"
DRAWN = {  # rules of generate.py: as many images as in the whole pool, drawn otherwise
    "truncation": ("truncation={}",),
    "redrawn": ("sampling=rejection", "sampling.percentile={}"),
    "langevin": ("sampling=langevin", "sampling.steps={:.0f}"),
}


class Filter(Study):
    """Rules x settings, over paired replicates; the unfiltered pool is the baseline."""

    question = "Are a GAN's images more useful to a classifier when the poor ones are left out?"
    RULES: ClassVar[dict[str, str]] = {
        "random": "a share of the images, whichever they are: what a rule must beat",
        "top": "per class, the share that a classifier finds most like it",
        "confidence": "images whose label a classifier finds at least so likely",
        "agree": "images that a classifier takes for the class asked for",
        "score": "per class, the share that the GAN's discriminator finds most real",
        "rejection": "discriminator rejection sampling (Azadi et al. 2019) at that percentile",
        "truncation": "images of latents cut at that bound (BigGAN); nothing is left out, all are more typical",
        "redrawn": "images that rejection sampling at that percentile refuses are drawn again until one is accepted",
        "langevin": "so many Langevin steps move each latent towards what the discriminator finds likely (Che et al. 2020)",
    }

    def __init__(
        self, *, replicates: int, seed: int, labels_per_class: int | None, rules: Mapping[str, Sequence[float]], primary: str,
        uses: Sequence[str], steps: int, gan: Sequence[str], gan_steps: int, pool: int, fraction: float,
        smallest_effect: float,
    ) -> None:  # fmt: skip
        """rules: of RULES, each with its settings (`agree` has none). primary: "<rule> <setting>", compared with all images.

        uses: of USES, the first is primary. steps: of each classifier. gan, gan_steps: overrides and iterations of the GAN.
        pool: generated images per labelled image. fraction: of the batch, for the use "added".

        Raises:
            ConfigError: a rule, setting or use that there is not, or numbers out of range.
        """
        super().__init__(replicates=replicates, seed=seed)
        check_effect(smallest_effect)
        if unknown := sorted(set(rules) - set(self.RULES)):
            wrong = unknown[0]
            raise ConfigError(
                f"study.rules has no '{wrong}'{near(wrong, self.RULES)} (there are {listing(self.RULES)})"
            )
        if not uses or set(uses) - set(USES):
            raise ConfigError(f"study.uses={list(uses)} must name one or both of {', '.join(USES)}.")
        if not 0 < fraction < 1 or pool < 1:
            raise ConfigError(f"study.fraction={fraction} must be between 0 and 1, study.pool={pool} at least 1.")
        self.arms: dict[str, tuple[str, float]] = {ALL: (ALL, 1.0)}
        for rule, settings in rules.items():
            for setting in settings if rule != AGREE else [1.0]:
                self.arms[rule if rule == AGREE else f"{rule} {setting:g}"] = rule, float(setting)
        for arm, (rule, setting) in self.arms.items():
            if rule in ("random", "top", "score") and not 0 < setting < 1 and arm != ALL:
                raise ConfigError(f"study.rules.{rule} has {setting:g}, which must be a share between 0 and 1.")
        if primary == ALL or primary not in self.arms:
            raise ConfigError(f"study.primary={primary} must be one of {', '.join(list(self.arms)[1:])}.")
        self.labels, self.primary, self.uses = labels_per_class, primary, list(dict.fromkeys(uses))
        self.steps, self.gan, self.gan_steps = steps, list(gan), gan_steps
        self.pool, self.fraction, self.smallest_effect = pool, fraction, smallest_effect

    # -- cells ---------------------------------------------------------------------------------------------------------

    def cells(self, config: DictConfig) -> list[Cell]:
        count = images_per_class(config, self.labels)
        return [cell for r in range(self.replicates) for cell in self._replicate(config, r, count)]

    def _replicate(self, config: DictConfig, replicate: int, per_class: int) -> list[Cell]:
        seeds, place = self.seeds(replicate), f"r{replicate}"
        images, tags = labelled(config, self.labels, seeds), {"replicate": replicate}
        made = generator_cell(
            f"{place}/gan", recipe=self.gan, images=images, steps=self.gan_steps, seeds=seeds, tags=dict(tags)
        )
        cells = [made, self._classifier(f"{place}/real", images, [], seeds, {**tags, "use": "real"})]
        whole = self.pool * per_class * config.data.num_classes
        for arm, (rule, setting) in self.arms.items():
            pool = pool_cell(
                f"{place}/pool", made.name, count=whole, seeds=seeds, tags=dict(tags)
            )  # the same name: run once
            if rule == "random":  # image i does not depend on the count: the first ones are as random as any
                count = max(1, round(setting * whole))
                pool = pool_cell(f"{place}/pool_{_name(arm)}", made.name, count=count, seeds=seeds, tags=dict(tags))
            elif rule in DRAWN:
                how = tuple(each.format(setting) for each in DRAWN[rule])
                pool = replace(pool, name=f"{place}/pool_{_name(arm)}", overrides=(*pool.overrides, *how))
            cells.append(pool)
            for use in self.uses:
                share = 1.0 if use == "alone" else self.fraction
                mix = [
                    "data/mix=images", f"data.mix.images=[cell:{pool.name}]", f"data.mix.fraction={share}",
                    *_filter(rule, setting, place),
                ]  # fmt: skip
                name, own = f"{place}/{use}_{_name(arm)}", {**tags, "use": use, "arm": arm}
                cells.append(self._classifier(name, images, mix, seeds, own))
        return cells

    def _classifier(self, name: str, images: list[str], mix: list[str], seeds: Seeds, tags: dict[str, Any]) -> Cell:
        given = ("model=classifier", *images, *PLAIN, *mix, *training(steps=self.steps, seed=seeds.classifier))
        return Cell(name, "train", given, tags)

    # -- analysis ------------------------------------------------------------------------------------------------------

    def analyse(self, results: Results) -> Analysis:
        arms = [arm for arm in self.arms if arm != ALL]
        keys = [(use, arm) for use in self.uses for arm in arms]
        found = dict(zip(keys, corrected([self._compare(results, *key) for key in keys]), strict=True))
        comparisons = sorted(found.values(), key=lambda it: not it.primary)
        primary = comparisons[0]
        said = answer(
            replace(primary, where=""), what=f"keeping only the images of `{self.primary}`", unit="points",
            baseline=f"all images, for a classifier trained {USES[self.uses[0]]}", replicates=self.replicates,
        )  # fmt: skip
        tables = [
            comparison_table(
                [it for (where, _), it in found.items() if where == use], unit="points", metric="test accuracy, %",
                title=f"A classifier trained {USES[use]}: every rule against all images", where="use",
            )
            for use in self.uses
        ]  # fmt: skip
        about = tuple(
            (rule, text) for rule, text in self.RULES.items() if any(rule == r for r, _ in self.arms.values())
        )
        return Analysis(
            question=self.question, answer=f"{said} {told_clear(comparisons[1:])}".rstrip(), verdict=primary.verdict,
            comparisons=comparisons,
            tables=[*tables, self._kept(results), Table("The rules", ("rule", "what is kept"), about)],
            plots=self._plots(results), limits=self._limits(),
        )  # fmt: skip

    def _compare(self, results: Results, use: str, arm: str) -> Comparison:
        primary = (use, arm) == (self.uses[0], self.primary)
        return results.compare(
            *ACCURACY, arm=arm, baseline=ALL, scale=100, use=use, where=use, smallest_effect=self.smallest_effect,
            primary=primary,
        )  # fmt: skip

    def kept_share(self, each: CellResult) -> float:
        """Share of the whole pool that a classifier's cell was trained on; 1 for the rules of DRAWN, which leave nothing out."""
        rule, setting = self.arms[str(each.cell.tags["arm"])]
        if rule == "random":
            return setting
        return float(each.get("data", "origin", "mix", "filter").get("kept_fraction", 1.0))

    def _shares(self, results: Results, arm: str) -> list[float]:
        return [self.kept_share(each) for each in results.find(arm=arm, use=self.uses[0])]

    def _kept(self, results: Results) -> Table:
        rows = []
        for arm in self.arms:
            accuracies = [results.values(*ACCURACY, scale=100, arm=arm, use=use) for use in self.uses]
            shown = [spread([value for value in each if not math.isnan(value)]) for each in accuracies]
            kept = spread([100 * share for share in self._shares(results, arm)])
            rows.append((arm, kept, *shown))
        real = results.values(*ACCURACY, scale=100, use="real")
        known = [value for value in real if not math.isnan(value)]
        head = ("rule", "kept, %", *[f"test accuracy, % ({use})" for use in self.uses])
        return Table(
            "How much each rule keeps", head, tuple(rows),
            f"Means ± standard deviations over replicates. Trained as long on the real images alone: {spread(known)} %.",
        )  # fmt: skip

    def _plots(self, results: Results) -> list[Plot]:
        plots = []
        for use in self.uses:
            points: dict[str, list[tuple[float, list[float]]]] = {}
            for arm, (rule, _) in self.arms.items():
                shares = self._shares(results, arm)
                if rule not in DRAWN and shares:
                    known = [v for v in results.values(*ACCURACY, scale=100, arm=arm, use=use) if not math.isnan(v)]
                    points.setdefault(rule, []).append((number_of(shares), known))
            plots.append(
                kept_plot(points, title=f"Accuracy by kept share: a classifier trained {USES[use]}", whole=ALL)
            )
        return plots

    def _limits(self) -> list[str]:
        return [
            "Every classifier takes the same number of steps, so a smaller pool is seen more often.",
            "Rules by share are per class; confidence, agreement and rejection can leave a class with few images or none.",
            "The discriminator's score is a density ratio for logistic losses only; for others it is a ranking.",
            "Drawn again or moved, an image costs many passes through both networks; what that costs is not weighed.",
            "The settings are not tuned: they are compared as given.",
        ]


def number_of(shares: Sequence[float]) -> float:
    """Their mean."""
    return sum(shares) / len(shares)


def _name(arm: str) -> str:
    return arm.replace(" ", "")


def _filter(rule: str, setting: float, place: str) -> list[str]:
    """Overrides of data.mix.filter; none for rules that act on the pool itself."""
    judge, scorer = f"data.mix.filter.classifier=cell:{place}/real", f"data.mix.filter.discriminator=cell:{place}/gan"
    return {
        "top": [judge, f"data.mix.filter.top={setting}"],
        "confidence": [judge, f"data.mix.filter.confidence={setting}"],
        "agree": [judge, "data.mix.filter.agree=true"],
        "score": [scorer, f"data.mix.filter.top={setting}"],
        "rejection": [scorer, f"data.mix.filter.rejection={setting}"],
    }.get(rule, [])
