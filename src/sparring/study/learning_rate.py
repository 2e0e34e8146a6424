"""`study=learning_rate`: which learning rates a recipe trains best at, and at which of them the training holds.

Every combination of the generator's and the discriminator's rate (or the only one that a model has), or points between, are
trained with several seeds. A training that collapsed, diverged or never learned is an outcome of its own, and its setting
cannot win by its quality.
"""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sparring.config.compose import hydra_at, searchpath
from sparring.core.errors import ConfigError
from sparring.core.package import CONFIG_DIR
from sparring.study.base import Study, check_counts
from sparring.study.cells.axis import Axis
from sparring.study.cells.rates import (
    check_several,
    fd_watched,
    grid_axes,
    option_axes,
    point_name,
    points,
    rate_overrides,
    recipe_of,
    short_training,
)
from sparring.study.engine.cell import Cell
from sparring.study.engine.compose import changed_data
from sparring.study.engine.context import StudyContext
from sparring.study.engine.results import Results
from sparring.study.search.halving import at_rungs, check_keep, share_of_full, survivors
from sparring.study.search.points import Point, random_points
from sparring.study.search.tpe import Tpe
from sparring.study.stats.rates import LOST, Objective, Outcome, Setting, recommend
from sparring.study.tables import learning_rate as tables
from sparring.study.tables.analysis import Analysis
from sparring.study.tables.costs import cost_table
from sparring.study.tables.rate_grids import FD, best_multiples, heat_maps, multiples
from sparring.study.tables.trainings import TrainingCurves, read_training

SEARCHES = ("grid", "random", "tpe")
OBJECTIVES = {
    "fd": FD,
    "accuracy": Objective("accuracy", higher=True, ratios=False),
}


class LearningRate(Study):
    """Settings, a grid of them or drawn ones, times seeds."""

    question = "Which learning rate, and does the training hold?"
    divergence_is_a_result = True

    def __init__(
        self, *, model: str, factors: Sequence[float], rates: Mapping[str, Sequence[float] | None],
        options: Mapping[str, Sequence[float] | None], search: str, trials: int, keep: float | None, steps: int, checks: int,
        objective: str | None, features: str, samples: int, **common: Any,
    ) -> None:  # fmt: skip
        """
        Args:
            model: the recipe, a choice of `model`; `train` of study.yaml changes its settings.
            factors: rates of each optimizer over the recipe's own.
            rates: optimizer -> rates in place of these; None: not given.
            options: further settings (`cells.axis.OPTIONS`) -> values; None: not varied.
            search: of SEARCHES: all points of the grid, or `trials` points between its ends.
            keep: share of the settings that goes on from rung to rung (`search.halving`); None: all to the end.
            steps: iterations of each training; with another batch as many as see equally many images.
            checks: measurements of quality on the way.
            objective: of OBJECTIVES; None: fd where there is a generator, else accuracy.
            features: choice of `metric/features` that fd is measured on.
            samples: images that fd is measured on.
            common: see `Study`.

        Raises:
            ConfigError: as `Study`; an objective or a search that does not exist, or a number out of range.
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
        if search not in SEARCHES:
            raise ConfigError(f"study.search={search} must be grid, random or tpe.")
        if keep is not None and search == "tpe":
            raise ConfigError(
                "study.keep prunes settings that are known before the first training: give study.search=random."
            )
        check_counts(steps=steps, checks=checks, trials=trials)
        self.model, self.factors, self.rates = f"model={model}", list(factors), dict(rates)
        self.options, self.search, self.trials, self.keep = dict(options), search, trials, keep
        self.steps, self.every, self.objective_name = steps, max(1, steps // checks), objective
        self.features, self.samples = features, samples
        self.axes: list[Axis] = []
        self.rungs = [steps] if keep is None else at_rungs(steps)
        self._alive: list[list[Point]] = []  # at each rung so far
        self._reached: dict[tuple[Point, int], int] = {}  # last rung of each point and replicate
        self._tpe: Tpe | None = None
        self._recipe: list[str] = []  # overrides that train it again, but for rates, seed and budget

    @property
    def objective(self) -> Objective:
        """What settings are ranked by; known once the cells are."""
        return OBJECTIVES[self.objective_name or "fd"]

    # -- cells ---------------------------------------------------------------------------------------------------------

    def cells(self, context: StudyContext) -> list[Cell]:
        if not self.axes:
            self._begin(context)
        if self._tpe is not None:
            self._start(self._tpe.points)
        return [
            self._cell(point, replicate, rung)
            for (point, replicate), last in self._reached.items()
            for rung in range(last + 1)
        ]

    def _begin(self, context: StudyContext) -> None:
        """Read the recipe, and choose the first points."""
        recipe = recipe_of(context, [self.model])
        self.objective_name = self.objective_name or ("fd" if recipe.generates else "accuracy")
        fd = self.objective_name == "fd"
        if not (recipe.generates if fd else recipe.classifies):
            missing, other = ("generator", "accuracy") if fd else ("classifier", "fd")
            raise ConfigError(
                f"study.objective={self.objective_name} needs a {missing}, and {self.model} has none: give "
                f"study.objective={other}."
            )
        if self.keep is not None and recipe.scheduled:
            raise ConfigError(
                "study.keep trains on from shorter trainings, and the rates of this recipe follow a schedule over the whole: "
                "give study.keep=null."
            )
        axes = [*grid_axes(recipe.rates, self.factors, self.rates), *option_axes(recipe, self.options, self.model)]
        check_several(axes)
        self.classes = context.num_classes
        with hydra_at(CONFIG_DIR, "study"):
            changed = [f"data.{key}={value}" for key, value in changed_data(context, searchpath()).items()]
        self._recipe = [f"data={context.dataset}", *changed, *context.train, self.model]
        if self.search == "tpe":
            self._tpe = Tpe(axes, trials=self.trials, seed=self.seed, folder=Path(context.paths["run_dir"]))
        else:
            chosen = points(axes) if self.search == "grid" else random_points(axes, self.trials, self.seed)
            check_keep(self.keep, points=len(chosen))
            self._start(chosen)
        self.axes = axes

    def _start(self, chosen: Sequence[Point]) -> None:
        """Of the first rung."""
        self._alive[:1] = [list(chosen)]
        for point in chosen:
            for replicate in range(self.replicates):
                self._reached.setdefault((point, replicate), 0)

    def _cell(self, point: Point, replicate: int, rung: int) -> Cell:
        overrides = rate_overrides(self.axes, point)
        watched = []
        scale = math.prod(axis.iterations(value) for axis, value in zip(self.axes, point, strict=True))
        every, steps = max(1, round(self.every * scale)), max(1, round(self.rungs[rung] * scale))
        if self.objective_name == "fd":
            watched = fd_watched(features=self.features, every=every, samples=self.samples)
        return Cell(
            self._name(point, replicate, rung), "train",
            (
                self.model, *watched, *overrides,
                *short_training(steps=steps, every=every, seed=self.seeds(replicate).gan),
            ),
            {"arm": point_name(self.axes, point), "replicate": replicate, "part": "training", "rung": rung},
            continues=self._name(point, replicate, rung - 1) if rung else "",
            keeps_state=rung + 1 < len(self.rungs),
        )  # fmt: skip

    def _name(self, point: Point, replicate: int, rung: int) -> str:
        """The last rung's is the one that it has without pruning."""
        at = "" if rung + 1 == len(self.rungs) else f"_at{self.rungs[rung]}"
        return f"{point_name(self.axes, point)}/r{replicate}{at}"

    def more(self, results: Results) -> bool:
        """The next points of TPE, or the next rung of those that were trained the best so far."""
        rung = len(self._alive) - 1
        settings = [self._setting(point, self._read(results, point)) for point in self._alive[rung]]
        if self._tpe is not None:
            return self._tpe.tell(settings, self.objective)
        if self.keep is None or rung + 1 == len(self.rungs):
            return False
        self._alive.append(survivors(settings, self.keep, self.objective))
        for point in self._alive[-1]:
            for replicate in range(self.replicates):
                arm = point_name(self.axes, point)
                if results.one(arm=arm, replicate=replicate, rung=rung) is not None:
                    self._reached[point, replicate] = rung + 1
        return bool(self._alive[-1])

    # -- analysis ------------------------------------------------------------------------------------------------------

    def analyse(self, results: Results) -> Analysis:
        tried = self._alive[0]
        curves = {point: self._read(results, point) for point in tried}
        settings = [self._setting(point, curves[point]) for point in tried]
        objective = self.objective
        found = recommend(settings, objective)
        marked = None if found is None else settings[found.index].rates
        grid = self.search == "grid" and sum(len(axis.rates) > 1 for axis in self.axes) <= 2
        alive = [len(each) for each in self._alive]
        saved = tables.pruned_sentence(alive, self.rungs) if self.keep is not None else ""
        return Analysis(
            question=self.question,
            conclusion=tables.conclusion(settings, found, self.axes, objective, steps=self.steps) + saved,
            verdict=None,
            tables=[
                tables.settings_table(settings, found, self.axes, objective),
                cost_table(results, {"training": {"part": "training"}}, note="Trainings that diverged are not in it."),
            ],
            plots=tables.quality_plot(settings, curves, self.axes, objective, found),
            heat_maps=heat_maps(settings, self.axes, objective, marked) if grid else [],
            multiples=(multiples if grid else best_multiples)(settings, curves, self.axes, objective, marked),
            texts=tables.texts(self._recipe, self.axes, marked, self.steps) if marked else [],
            limits=tables.limits(
                [run for runs in curves.values() for run in runs], objective, steps=self.steps, samples=self.samples,
                features=self.features,
            ),
            numbers=tables.numbers(settings, found, self.axes, objective, cost=share_of_full(alive, self.rungs)),
        )  # fmt: skip

    def _read(self, results: Results, point: Point) -> list[TrainingCurves]:
        """Each seed's training, as far as it went."""
        found = []
        for replicate in range(self.replicates):
            tags: dict[str, str | int] = {
                "arm": point_name(self.axes, point), "replicate": replicate, "rung": self._reached[point, replicate],
            }  # fmt: skip
            found.append(read_training(
                results.folder(**tags), results.one(**tags), objective=self.objective, classes=self.classes
            ))  # fmt: skip
        return found

    def _setting(self, point: Point, runs: Sequence[TrainingCurves]) -> Setting:
        """Of a point that is still trained on, or was to the end; else its seeds are pruned, but for those that were lost."""
        pruned = point not in self._alive[-1]
        outcomes = [Outcome.PRUNED if pruned and each.outcome not in LOST else each.outcome for each in runs]
        final = [each.final for each in runs]
        return Setting(point, tuple(outcomes), tuple(final), tuple(self.objective.best(each.quality) for each in runs))
