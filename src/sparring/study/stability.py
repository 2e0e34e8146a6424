"""`study=stability`: at which losses, regularizers and learning rates GANs collapse, diverge or never learn.

Every loss with every regularizer is trained at several multiples of the recipe's own rates, with several seeds.
"""

from collections.abc import Sequence
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


class Stability(Study):
    """Losses x regularizers x learning rates x seeds."""

    question = "Which losses and regularizers train, and over how wide a range of learning rates?"
    divergence_is_a_result = True

    def __init__(
        self, *, model: str, losses: Sequence[str], regularizers: Sequence[Sequence[str]], factors: Sequence[float],
        steps: int, checks: int, features: str, samples: int, **common: Any,
    ) -> None:  # fmt: skip
        """
        Args:
            model: the recipe, a choice of `model` with a generator and a discriminator.
            losses: choices of `model/loss`.
            regularizers: choices of `model/regularizer`, together in a list; an empty one is none.
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
        self.recipes = [(loss, tuple(each)) for loss in losses for each in regularizers]
        if len(self.recipes) < 2 or len(set(self.recipes)) < len(self.recipes):
            given = f"study.losses={list(losses)} and study.regularizers={[list(each) for each in regularizers]}"
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
                f"{_arm(recipe, factor)}/r{replicate}",
                "train",
                (
                    *self._overrides(recipe, factor),
                    *fd_watched(features=self.features, every=self.every, samples=self.samples),
                    *short_training(steps=self.steps, every=self.every, seed=self.seeds(replicate).gan),
                ),
                {"arm": _arm(recipe, factor), "replicate": replicate, "part": "training"},
            )
            for recipe in self.recipes
            for factor in self.factors
            for replicate in range(self.replicates)
        ]

    def _overrides(self, recipe: tuple[str, tuple[str, ...]], factor: float) -> list[str]:
        loss, regularizers = recipe
        rates = [f"model.{name}.lr={float(f'{factor * self._rates[name]:.4g}'):g}" for name in PLAYERS]
        return [self.model, f"model/loss={loss}", f"model/regularizer=[{','.join(regularizers)}]", *rates]

    # -- analysis ------------------------------------------------------------------------------------------------------

    def analyse(self, results: Results) -> Analysis:
        curves = [[self._read(results, recipe, factor) for factor in self.factors] for recipe in self.recipes]
        recipes = [_course(recipe, self.factors, row) for recipe, row in zip(self.recipes, curves, strict=True)]
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

    def _read(self, results: Results, recipe: tuple[str, tuple[str, ...]], factor: float) -> list[TrainingCurves]:
        arm = _arm(recipe, factor)
        return [
            read_training(
                results.folder(arm=arm, replicate=r), results.one(arm=arm, replicate=r), objective=FD, classes=self.classes
            )
            for r in range(self.replicates)
        ]  # fmt: skip

    def _texts(self, recipes: Sequence[tables.RecipeCourse]) -> list[Text]:
        """How to train the steadiest recipe at its best rate; nothing where none trained."""
        first = tables.ranked(recipes)[0]
        if first.best is None:
            return []
        chosen = self._overrides(self.recipes[list(recipes).index(first)], self.factors[first.best])
        return training_texts([*self._data, f"trainer.max_steps={self.steps}", *chosen], name="stability")


def _arm(recipe: tuple[str, tuple[str, ...]], factor: float) -> str:
    """hinge_r1+r2_x0.2."""
    return f"{recipe[0]}_{'+'.join(recipe[1]) or 'none'}_x{factor:g}"


def _course(
    recipe: tuple[str, tuple[str, ...]], factors: Sequence[float], row: Sequence[Sequence[TrainingCurves]]
) -> tables.RecipeCourse:
    settings = [
        Setting(
            (factor,), tuple(each.outcome for each in runs), tuple(each.final for each in runs),
            tuple(FD.best(each.quality) for each in runs),
        )
        for factor, runs in zip(factors, row, strict=True)
    ]  # fmt: skip
    courses = [[course(each.outcome, each.images_seen, each.quality) for each in runs] for runs in row]
    return tables.RecipeCourse(f"{recipe[0]}, {' + '.join(recipe[1]) or 'none'}", settings, courses)
