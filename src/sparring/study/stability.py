"""`study=stability`: at which losses, regularizers, normalisations and learning rates GANs collapse, diverge or never learn.

Every loss with every regularizer and every normalisation is trained at several multiples of the recipe's own rates, with several
seeds.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sparring.config.compose import hydra_at, searchpath
from sparring.core.errors import ConfigError
from sparring.core.package import CONFIG_DIR
from sparring.study.base import Study, check_counts
from sparring.study.cells.rates import fd_watched, recipe_of, short_training
from sparring.study.engine.cell import Cell
from sparring.study.engine.compose import changed_data
from sparring.study.engine.context import StudyContext
from sparring.study.engine.results import Results
from sparring.study.stats.rates import Setting
from sparring.study.stats.stability import course
from sparring.study.tables import stability as tables
from sparring.study.tables.analysis import Analysis
from sparring.study.tables.costs import cost_table
from sparring.study.tables.grids import Multiples, Text
from sparring.study.tables.learning_rate import DEFINITIONS
from sparring.study.tables.rate_grids import FD, small_picture
from sparring.study.tables.recipe import training_texts
from sparring.study.tables.trainings import TrainingCurves, gaussian_sentence, read_training

PLAYERS = ("generator_optimizer", "discriminator_optimizer")
Recipe = tuple[str, tuple[str, ...], str]  # loss, regularizers, normalisation


class Stability(Study):
    """Losses x regularizers x normalisations x learning rates x seeds."""

    question = "Which losses and regularizers train, and over how wide a range of learning rates?"
    divergence_is_a_result = True

    def __init__(
        self, *, model: str, losses: Sequence[str], regularizers: Sequence[Sequence[str]],
        normalisations: Mapping[str, Sequence[str]], factors: Sequence[float], steps: int, checks: int, features: str,
        samples: int, **common: Any,
    ) -> None:  # fmt: skip
        """
        Args:
            model: the recipe, a choice of `model` with a generator and a discriminator.
            losses: choices of `model/loss`.
            regularizers: choices of `model/regularizer`, together in a list; an empty one is none.
            normalisations: overrides by name, such as those of spectral normalisation; one is not named on the page.
            factors: of both learning rates over the recipe's own.
            steps: iterations of each training.
            checks: measurements of quality on the way.
            features: choice of `metric/features` that fd is measured on.
            samples: images that fd is measured on.
            common: see `Study`.

        Raises:
            ConfigError: as `Study`; nothing to compare, something twice, or a number out of range.
        """
        super().__init__(smallest_effect=1.0, **common)  # recipes are described, not tested
        if self.adaptive:
            raise ConfigError("study.replicates=auto decides a comparison, and this study has none: give a number.")
        check_counts(steps=steps, checks=checks)
        self.normalisations = {str(name): list(overrides) for name, overrides in normalisations.items()}
        self.recipes = [
            (loss, tuple(each), norm) for loss in losses for each in regularizers for norm in self.normalisations
        ]
        if len(self.recipes) < 2 or len(set(self.recipes)) < len(self.recipes):
            given = (
                f"study.losses={list(losses)}, study.regularizers={[list(each) for each in regularizers]} and "
                f"study.normalisations={list(normalisations)}"
            )
            raise ConfigError(f"{given} must make two or more recipes, none twice.")
        self.factors = sorted(map(float, factors))
        if not self.factors or self.factors[0] <= 0 or len(set(self.factors)) < len(self.factors):
            raise ConfigError(f"study.factors={list(factors)} must hold one or more numbers above 0, none twice.")
        self.model, self.steps, self.every = f"model={model}", steps, max(1, steps // checks)
        self.features, self.samples = features, samples
        self._rates: dict[str, float] = {}  # the recipe's own
        self._data: list[str] = []  # overrides that choose the data and what is common to all trainings

    # -- cells ---------------------------------------------------------------------------------------------------------

    def cells(self, context: StudyContext) -> list[Cell]:
        recipe = recipe_of(context, [self.model])
        self._rates = dict(recipe.rates)
        if not recipe.generates or not set(PLAYERS) <= set(self._rates):
            raise ConfigError(
                f"study.{self.model} has no generator and discriminator to compare losses of; choose a GAN, such as rpgan."
            )
        self.classes = context.num_classes
        with hydra_at(CONFIG_DIR, "study"):
            changed = [f"data.{key}={value}" for key, value in changed_data(context, searchpath()).items()]
        self._data = [f"data={context.dataset}", *changed, *context.train]
        return [
            Cell(
                f"{self._arm(recipe, factor)}/r{replicate}",
                "train",
                (
                    *self._overrides(recipe, factor),
                    *fd_watched(features=self.features, every=self.every, samples=self.samples),
                    *short_training(steps=self.steps, every=self.every, seed=self.seeds(replicate).gan),
                ),
                {"arm": self._arm(recipe, factor), "replicate": replicate, "part": "training"},
            )
            for recipe in self.recipes
            for factor in self.factors
            for replicate in range(self.replicates)
        ]

    def _overrides(self, recipe: Recipe, factor: float) -> list[str]:
        loss, regularizers, norm = recipe
        rates = [f"model.{name}.lr={float(f'{factor * self._rates[name]:.4g}'):g}" for name in PLAYERS]
        parts = [f"model/loss={loss}", f"model/regularizer=[{','.join(regularizers)}]", *self.normalisations[norm]]
        return [self.model, *parts, *rates]

    def _arm(self, recipe: Recipe, factor: float) -> str:
        """hinge_r1+r2_x0.2, hinge_r1+r2_spectral_x0.2."""
        loss, regularizers, norm = recipe
        named = f"_{norm}" if len(self.normalisations) > 1 else ""
        return f"{loss}_{'+'.join(regularizers) or 'none'}{named}_x{factor:g}"

    # -- analysis ------------------------------------------------------------------------------------------------------

    def analyse(self, results: Results) -> Analysis:
        curves = [[self._read(results, recipe, factor) for factor in self.factors] for recipe in self.recipes]
        recipes = [
            _course(self._name(recipe), self.factors, row) for recipe, row in zip(self.recipes, curves, strict=True)
        ]
        return Analysis(
            question=self.question,
            conclusion=tables.conclusion(recipes, self.factors, steps=self.steps),
            verdict=None,
            tables=[
                tables.recipes_table(recipes, self.factors),
                cost_table(results, {"training": {"part": "training"}}, note="Trainings that diverged are not in it."),
            ],
            heat_maps=tables.heat_maps(recipes, self.factors),
            multiples=Multiples(
                "Losses, quality and final samples at each setting", tables.grid_of(recipes, self.factors),
                tuple(
                    tuple(small_picture(setting, runs, FD) for setting, runs in zip(recipe.settings, row, strict=True))
                    for recipe, row in zip(recipes, curves, strict=True)
                ),
                tables.MULTIPLES_NOTE,
            ),
            texts=self._texts(recipes),
            limits=[
                f"fd is measured on {self.samples} samples against val with features `{self.features}`.",
                *gaussian_sentence((run for row in curves for runs in row for run in runs), "fd"),
                f"The numbers hold for {self.steps} iterations of the networks of {self.model}, whose own rates were chosen for "
                "one loss alone.",
                *DEFINITIONS,
            ],
            numbers=dict(tables.numbers(recipes, self.factors)),
        )  # fmt: skip

    def _read(self, results: Results, recipe: Recipe, factor: float) -> list[TrainingCurves]:
        arm = self._arm(recipe, factor)
        return [
            read_training(
                results.folder(arm=arm, replicate=r), results.one(arm=arm, replicate=r), objective=FD, classes=self.classes
            )
            for r in range(self.replicates)
        ]  # fmt: skip

    def _name(self, recipe: Recipe) -> str:
        """hinge, r1 + r2; hinge, r1 + r2, spectral."""
        loss, regularizers, norm = recipe
        return ", ".join([loss, " + ".join(regularizers) or "none", *([norm] if len(self.normalisations) > 1 else [])])

    def _texts(self, recipes: Sequence[tables.RecipeCourse]) -> list[Text]:
        """How to train the steadiest recipe at its best rate; nothing where none trained."""
        first = tables.ranked(recipes)[0]
        if first.best is None:
            return []
        chosen = self._overrides(self.recipes[list(recipes).index(first)], self.factors[first.best])
        return training_texts([*self._data, f"trainer.max_steps={self.steps}", *chosen], name="stability")


def _course(name: str, factors: Sequence[float], row: Sequence[Sequence[TrainingCurves]]) -> tables.RecipeCourse:
    settings = [
        Setting(
            (factor,), tuple(each.outcome for each in runs), tuple(each.final for each in runs),
            tuple(FD.best(each.quality) for each in runs),
        )
        for factor, runs in zip(factors, row, strict=True)
    ]  # fmt: skip
    courses = [[course(each.outcome, each.images_seen, each.quality) for each in runs] for runs in row]
    return tables.RecipeCourse(name, settings, courses)
