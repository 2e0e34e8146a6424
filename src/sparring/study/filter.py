"""`study=filter`: are a GAN's images more useful when the poor ones are left out, and how many should stay?

One GAN and one large pool per replicate; every rule keeps a share of the pool. The networks that score images are the GAN's own
discriminator and a classifier trained on the same labelled images, so no rule uses more labels than the arm that it serves.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from sparring.core.errors import ConfigError
from sparring.core.wording import listing, near
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
from sparring.study.engine.cell import Cell, Seeds, Tag
from sparring.study.engine.context import StudyContext
from sparring.study.engine.results import TEST_ACCURACY, CellResult, Results
from sparring.study.stats import statistics
from sparring.study.stats.families import judged
from sparring.study.stats.verdict import Comparison
from sparring.study.tables.analysis import Analysis, Plot, Table, arms_table
from sparring.study.tables.comparisons import comparison_table, conclusion, other_differences, primary_first
from sparring.study.tables.plots import ACCURACY_LABEL, kept_share_plot
from sparring.study.tables.text import mean_std

ALL, AGREE = "all", "agree"
BY_SHARE = ("random", "top", "score")
DRAWN = {  # rules of generate.py: as many images as in the whole pool, drawn in another way
    "truncation": ("truncation={}",),
    "redrawn": ("sampling=rejection", "sampling.percentile={}"),
    "langevin": ("sampling=langevin", "sampling.steps={:.0f}"),
}


class Filter(Study):
    """Rules x settings, over paired replicates; the unfiltered pool is the baseline."""

    question = "Are a GAN's images more useful to a classifier when the poor ones are left out?"
    RULES: ClassVar[dict[str, str]] = {
        "random": "a share of the images at random: a negative control for every other rule",
        "top": "per class, the share with the highest probability of that class under a classifier",
        "confidence": "images with at least this probability of their label under a classifier",
        "agree": "images that a classifier assigns to the class asked for",
        "score": "per class, the share with the highest score of the GAN's discriminator",
        "rejection": "discriminator rejection sampling (Azadi et al. 2019) at that percentile",
        "truncation": "images of latents truncated at that bound (Brock et al. 2019); nothing is left out, all are more typical",
        "redrawn": "images that rejection sampling at that percentile refuses are drawn again until one is accepted",
        "langevin": "each latent takes so many Langevin steps up the discriminator's score (Che et al. 2020)",
    }

    def __init__(
        self, *, labels_per_class: int | None, rules: Mapping[str, Sequence[float]], primary: str, uses: Sequence[str],
        steps: int, gan: Sequence[str], gan_steps: int, pool: int, fraction: float, **common: Any,
    ) -> None:  # fmt: skip
        """
        Args:
            labels_per_class: images of each class for GAN and classifiers; None: all.
            rules: of RULES, each with its settings (`agree` has none).
            primary: "<rule> <setting>" that the verdict is about.
            uses: of USES; the first one is primary.
            steps: of each classifier.
            gan: overrides of the GAN's training.
            gan_steps: its iterations.
            pool: generated images per labelled image.
            fraction: share of each batch that is replaced for the use "added", 0 to 1.
            common: see `Study`.

        Raises:
            ConfigError: as `Study`; a rule, setting or use that does not exist, or numbers out of range.
        """
        super().__init__(**common)
        if unknown := sorted(set(rules) - set(self.RULES)):
            rule = unknown[0]
            raise ConfigError(f"study.rules has no '{rule}'{near(rule, self.RULES)} (there are {listing(self.RULES)})")
        check_counts(pool=pool)
        self.arms: dict[str, tuple[str, float]] = {ALL: (ALL, 1.0)}
        for rule, settings in rules.items():
            for setting in settings if rule != AGREE else [1.0]:
                if rule in BY_SHARE and not 0 < setting < 1:
                    raise ConfigError(f"study.rules.{rule} has {setting:g}, which must be a share between 0 and 1.")
                self.arms[rule if rule == AGREE else f"{rule} {setting:g}"] = rule, float(setting)
        if primary == ALL or primary not in self.arms:
            raise ConfigError(f"study.primary={primary} must be one of {', '.join(list(self.arms)[1:])}.")
        self.labels, self.primary, self.uses = labels_per_class, primary, check_uses(uses)
        self.steps, self.gan, self.gan_steps = steps, list(gan), gan_steps
        self.pool, self.fraction = pool, check_fraction(fraction)

    # -- cells ---------------------------------------------------------------------------------------------------------

    def cells(self, context: StudyContext) -> list[Cell]:
        count = self.pool * images_per_class(context, self.labels) * context.num_classes
        return [cell for r in range(self.replicates) for cell in self._replicate(context, r, count)]

    def _replicate(self, context: StudyContext, replicate: int, count: int) -> list[Cell]:
        """count: images of the whole pool."""
        seeds, prefix = self.seeds(replicate), f"r{replicate}"
        images = labelled_subset(context, self.labels, seeds)
        tags: dict[str, Tag] = {"replicate": replicate}

        def classifier(name: str, mix: Sequence[str], **own: Tag) -> Cell:
            overrides, seed = [*images, *NO_AUGMENTATION, *mix], seeds.classifier
            return classifier_cell(f"{prefix}/{name}", overrides, steps=self.steps, seed=seed, tags={**tags, **own})

        gan = generator_cell(
            f"{prefix}/gan", recipe=self.gan, images=images, steps=self.gan_steps, seeds=seeds, tags=tags
        )
        cells = [gan, classifier("real", [], use="real")]
        for arm in self.arms:
            pool = self._pool(arm, prefix, count, seeds, tags)
            cells.append(pool)
            for use in self.uses:
                mix = images_mix(pool.name, 1.0 if use == "alone" else self.fraction)
                own = {"use": use, "arm": arm}
                cells.append(classifier(f"{use}_{_name(arm)}", [*mix, *self._filter(arm, prefix)], **own))
        return cells

    def _pool(self, arm: str, prefix: str, count: int, seeds: Seeds, tags: Mapping[str, Tag]) -> Cell:
        """The arm's images before a filter; arms that filter the whole pool share its cell."""
        rule, setting = self.arms[arm]
        name, more = f"{prefix}/pool", list[str]()
        if rule == "random":  # image i does not depend on the count: the first ones are a random share
            name, count = f"{name}_{_name(arm)}", max(1, round(setting * count))
        elif rule in DRAWN:
            name, more = f"{name}_{_name(arm)}", [each.format(setting) for each in DRAWN[rule]]
        return pool_cell(name, f"{prefix}/gan", count=count, seeds=seeds, tags=tags, more=more)

    def _filter(self, arm: str, prefix: str) -> list[str]:
        """Overrides of data.mix.filter; none for rules that act on the pool itself."""
        rule, setting = self.arms[arm]
        classifier = f"data.mix.filter.classifier=cell:{prefix}/real"
        discriminator = f"data.mix.filter.discriminator=cell:{prefix}/gan"
        return {
            "top": [classifier, f"data.mix.filter.top={setting}"],
            "confidence": [classifier, f"data.mix.filter.confidence={setting}"],
            "agree": [classifier, "data.mix.filter.agree=true"],
            "score": [discriminator, f"data.mix.filter.top={setting}"],
            "rejection": [discriminator, f"data.mix.filter.rejection={setting}"],
        }.get(rule, [])

    # -- analysis ------------------------------------------------------------------------------------------------------

    def analyse(self, results: Results) -> Analysis:
        keys = [(use, arm) for use in self.uses for arm in self.arms if arm != ALL]
        by_use = judged([self._compare(results, *key) for key in keys])
        comparisons = primary_first(by_use)
        verdict = conclusion(
            replace(comparisons[0], where=""), arm=f"keeping only the images of `{self.primary}`", unit="points",
            baseline=f"all images, for a classifier trained {USES[self.uses[0]]}", replicates=self.replicates,
        )  # fmt: skip
        tables = [
            comparison_table(
                [each for each in by_use if each.where == use], unit="points", metric=ACCURACY_LABEL,
                title=f"A classifier trained {USES[use]}: every rule against all images", where="use",
            )
            for use in self.uses
        ]  # fmt: skip
        used = {rule for rule, _ in self.arms.values()}
        rules = arms_table(
            self.RULES,
            [rule for rule in self.RULES if rule in used],
            title="The rules",
            columns=("rule", "what is kept"),
        )
        return Analysis(
            question=self.question,
            conclusion=f"{verdict} {other_differences(comparisons[1:])}".rstrip(),
            verdict=comparisons[0].verdict,
            comparisons=comparisons,
            tables=[*tables, self._kept(results), rules],
            plots=[self._plot(results, use) for use in self.uses],
            limits=self._limits(),
        )

    def _compare(self, results: Results, use: str, arm: str) -> Comparison:
        return results.compare(
            *TEST_ACCURACY, arm=arm, baseline=ALL, scale=100, use=use, where=use, smallest_effect=self.smallest_effect,
            primary=(use, arm) == (self.uses[0], self.primary),
        )  # fmt: skip

    def kept_share(self, each: CellResult) -> float:
        """Share of the whole pool that a classifier was trained on; 1 for the rules of DRAWN, which leave nothing out."""
        rule, setting = self.arms[str(each.cell.tags["arm"])]
        if rule == "random":
            return setting
        return float(each.get("data", "origin", "mix", "filter").get("kept_fraction", 1.0))

    def _shares(self, results: Results, arm: str) -> list[float]:
        return [self.kept_share(each) for each in results.find(arm=arm, use=self.uses[0])]

    def _accuracies(self, results: Results, arm: str, use: str) -> list[float]:
        return results.values(*TEST_ACCURACY, scale=100, arm=arm, use=use)

    def _kept(self, results: Results) -> Table:
        rows = []
        for arm in self.arms:
            kept = mean_std([100 * share for share in self._shares(results, arm)])
            rows.append((arm, kept, *[mean_std(self._accuracies(results, arm, use)) for use in self.uses]))
        real = mean_std(results.values(*TEST_ACCURACY, scale=100, use="real"))
        head = ("rule", "kept, %", *[f"test accuracy, % ({use})" for use in self.uses])
        return Table(
            "How much each rule keeps", head, tuple(rows),
            f"Mean ± standard deviation over replicates. Trained equally long on the real images alone: {real} %.",
        )  # fmt: skip

    def _plot(self, results: Results, use: str) -> Plot:
        points: dict[str, list[tuple[float, list[float]]]] = {}
        for arm, (rule, _) in self.arms.items():
            shares = self._shares(results, arm)
            if rule not in DRAWN and shares:
                points.setdefault(rule, []).append((statistics.mean(shares), self._accuracies(results, arm, use)))
        title = f"Accuracy by kept share: a classifier trained {USES[use]}"
        return kept_share_plot(points, title=title, whole=ALL)

    def _limits(self) -> list[str]:
        return [
            "Every classifier takes the same number of steps, so a smaller pool is repeated more often.",
            "Rules by share are per class; confidence, agreement and rejection can leave a class with few images or none.",
            "The discriminator's score is a density ratio for logistic losses only; for others it is a ranking.",
            "Images that are drawn again or moved cost many passes through both networks; this cost is not compared.",
            "The settings are not tuned: they are compared as given.",
        ]


def _name(arm: str) -> str:
    return arm.replace(" ", "")
