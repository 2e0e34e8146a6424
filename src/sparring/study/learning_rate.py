"""`study=learning_rate`: which learning rates a recipe trains best at, and at which of them the training holds.

Every combination of the generator's and the discriminator's rate (or the only one that a model has) is trained with several
seeds. A training that collapsed, diverged or never learned is an outcome of its own, and its setting cannot win by its
quality.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sparring.config.compose import hydra_at, searchpath
from sparring.core.errors import ConfigError
from sparring.core.package import CONFIG_DIR
from sparring.study.base import Study, check_counts
from sparring.study.cells.rates import (
    Axis,
    fd_watched,
    grid_axes,
    own_rates,
    point_name,
    points,
    rate_overrides,
    short_training,
)
from sparring.study.engine.cell import Cell
from sparring.study.engine.compose import changed_data
from sparring.study.engine.context import StudyContext
from sparring.study.engine.results import Results
from sparring.study.stats.rates import Objective, Setting, recommend
from sparring.study.tables import learning_rate as tables
from sparring.study.tables.analysis import Analysis
from sparring.study.tables.costs import cost_table
from sparring.study.tables.rate_grids import FD, heat_maps, multiples
from sparring.study.tables.trainings import TrainingCurves, read_training

OBJECTIVES = {
    "fd": FD,
    "accuracy": Objective("accuracy", higher=True, ratios=False),
}


class LearningRate(Study):
    """A grid of learning rates times seeds."""

    question = "Which learning rate, and does the training hold?"
    divergence_is_a_result = True

    def __init__(
        self, *, model: str, factors: Sequence[float], rates: Mapping[str, Sequence[float] | None], steps: int,
        checks: int, objective: str | None, features: str, samples: int, **common: Any,
    ) -> None:  # fmt: skip
        """
        Args:
            model: the recipe, a choice of `model`; `train` of study.yaml changes its settings.
            factors: rates of each optimizer over the recipe's own.
            rates: optimizer -> rates in place of these; None: not given.
            steps: iterations of each training.
            checks: measurements of quality on the way.
            objective: of OBJECTIVES; None: fd where there is a generator, else accuracy.
            features: choice of `metric/features` that fd is measured on.
            samples: images that fd is measured on.
            common: see `Study`.

        Raises:
            ConfigError: as `Study`; an objective that does not exist, or a number out of range.
        """
        super().__init__(smallest_effect=1.0, **common)  # settings are ranked, not tested
        if self.adaptive:
            raise ConfigError(
                "study.replicates=auto decides a comparison, and this study ranks settings: give a number."
            )
        if objective is not None and objective not in OBJECTIVES:
            raise ConfigError(
                f"study.objective={objective} must be fd (distance of samples to val, which sees a loss of diversity), "
                "accuracy (on val), or null to choose by the model."
            )
        check_counts(steps=steps, checks=checks)
        self.model, self.factors, self.rates = [f"model={model}"], list(factors), dict(rates)
        self.steps, self.every, self.objective_name = steps, max(1, steps // checks), objective
        self.features, self.samples = features, samples
        self.axes: list[Axis] = []
        self._recipe: list[str] = []  # overrides that train it again, but for rates, seed and budget

    @property
    def objective(self) -> Objective:
        """What settings are ranked by; known once the cells are."""
        return OBJECTIVES[self.objective_name or "fd"]

    # -- cells ---------------------------------------------------------------------------------------------------------

    def cells(self, context: StudyContext) -> list[Cell]:
        own, generates = own_rates(context, self.model)
        self.objective_name = self.objective_name or ("fd" if generates else "accuracy")
        if self.objective_name == "fd" and not generates:
            raise ConfigError(
                f"study.objective=fd measures generated images, and {self.model[0]} has no generator: "
                "give study.objective=accuracy."
            )
        self.axes = grid_axes(own, self.factors, self.rates)
        self.classes = context.num_classes
        with hydra_at(CONFIG_DIR, "study"):
            changed = [f"data.{key}={value}" for key, value in changed_data(context, searchpath()).items()]
        self._recipe = [f"data={context.dataset}", *changed, *context.train, *self.model]
        return [
            Cell(
                f"{point_name(self.axes, rates)}/r{replicate}",
                "train",
                (*self.model, *self._watched(), *rate_overrides(self.axes, rates), *self._budget(replicate)),
                {"arm": point_name(self.axes, rates), "replicate": replicate, "part": "training"},
            )
            for rates in points(self.axes)
            for replicate in range(self.replicates)
        ]

    def _watched(self) -> list[str]:
        """Overrides: measure fd on the way."""
        if self.objective_name != "fd":
            return []
        return fd_watched(features=self.features, every=self.every, samples=self.samples)

    def _budget(self, replicate: int) -> list[str]:
        return short_training(steps=self.steps, every=self.every, seed=self.seeds(replicate).gan)

    # -- analysis ------------------------------------------------------------------------------------------------------

    def analyse(self, results: Results) -> Analysis:
        grid = points(self.axes)
        curves = {rates: self._read(results, rates) for rates in grid}
        settings = [self._setting(rates, curves[rates]) for rates in grid]
        objective = self.objective
        found = recommend(settings, objective)
        marked = None if found is None else settings[found.index].rates
        best_command = tables.texts(self._recipe, self.axes, marked, self.steps) if marked else []
        return Analysis(
            question=self.question,
            conclusion=tables.conclusion(settings, found, self.axes, objective, steps=self.steps),
            verdict=None,
            tables=[
                tables.settings_table(settings, found, self.axes, objective),
                cost_table(results, {"training": {"part": "training"}}, note="Trainings that diverged are not in it."),
            ],
            plots=tables.quality_plot(settings, curves, self.axes, objective, found),
            heat_maps=heat_maps(settings, self.axes, objective, marked),
            multiples=multiples(settings, curves, self.axes, objective, marked),
            texts=best_command,
            limits=self._limits(),
            numbers=tables.numbers(settings, found, self.axes, objective),
        )

    def _read(self, results: Results, rates: tuple[float, ...]) -> list[TrainingCurves]:
        arm = point_name(self.axes, rates)
        return [
            read_training(
                results.folder(arm=arm, replicate=r), results.one(arm=arm, replicate=r),
                objective=self.objective, classes=self.classes,
            )
            for r in range(self.replicates)
        ]  # fmt: skip

    def _setting(self, rates: tuple[float, ...], runs: Sequence[TrainingCurves]) -> Setting:
        return Setting(
            rates,
            tuple(each.outcome for each in runs),
            tuple(each.final for each in runs),
            tuple(self.objective.best(each.quality) for each in runs),
        )

    def _limits(self) -> list[str]:
        measured = (
            f"fd is measured on {self.samples} samples against val with features `{self.features}`."
            if self.objective_name == "fd"
            else "Accuracy is that on val; test is not read for a choice."
        )
        return [
            measured,
            f"The numbers hold for {self.steps} iterations: a longer training usually wants a smaller rate.",
            "The recommended setting is the best of all that were tried, so its quality is somewhat optimistic; its interval is "
            "the 95 % t interval of a mean over seeds, with the variance between seeds pooled over all settings.",
            *tables.DEFINITIONS,
        ]
