"""The results of a study's cells, for its analysis: values by tags, paired comparisons, and the check of equal training."""

import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sparring.config.build import Builder, build
from sparring.core.errors import ConfigError
from sparring.run.directory import RunDir
from sparring.study.engine.cell import Cell, Tag
from sparring.study.engine.plan import Planned
from sparring.study.engine.run import CellOutcome
from sparring.study.stats.levels import SINGLE, Levels
from sparring.study.stats.verdict import Comparison, Verdict, compare

TEST_ACCURACY = (
    "metrics",
    "test/accuracy",
    "value",
)  # where result.json of a classifier's training holds it, in [0, 1]


@dataclass(frozen=True)
class CellResult:
    """A finished cell.

    Args:
        cell: as the study declared it.
        run: its run directory.
        result: the content of its result.json.
        inputs: names of the cells that it read.
    """

    cell: Cell
    run: Path
    result: Mapping[str, Any]
    inputs: tuple[str, ...]

    def get(self, *path: str) -> Any:
        """The entry of result.json at `path`, for example ("metrics", "test/accuracy", "value").

        Raises:
            ConfigError: there is no such entry.
        """
        value: Any = self.result
        for key in path:
            if not isinstance(value, Mapping) or key not in value:
                keys = ", ".join(map(str, value)) if isinstance(value, Mapping) else "no entries"
                raise ConfigError(f"{self.run}/result.json has no {' > '.join(path)}; at {key} there is {keys}.")
            value = value[key]
        return value


class Results:
    """All cells of a study. Cells that failed are missing here, and NaN in the values.

    Args:
        planned: every cell of the study.
        outcomes: how each of them ended, by name.
        replicates: number of paired replicates, tagged replicate=0, 1, ...
        build: what builds again what a cell was trained on.
        levels: of the tests; those of the look, where replicates are added at planned looks.
    """

    def __init__(
        self,
        planned: Sequence[Planned],
        outcomes: Mapping[str, CellOutcome],
        *,
        replicates: int,
        build: Builder = build,
        levels: Levels = SINGLE,
    ) -> None:
        self.replicates, self.build, self.levels = replicates, build, levels
        self.checks: list[dict[str, Any]] = []
        self._planned = {each.cell.name: each for each in planned}
        self._finished: dict[str, CellResult] = {}
        for each in planned:
            if outcomes[each.cell.name].state == "finished":
                result = RunDir(each.folder).result()
                self._finished[each.cell.name] = CellResult(each.cell, each.folder, result, each.inputs)

    def cell(self, name: str) -> CellResult | None:
        """The cell of that name; None if it did not finish. Raises KeyError if the study has none."""
        if name not in self._planned:
            raise KeyError(name)
        return self._finished.get(name)

    def find(self, **tags: Tag) -> list[CellResult]:
        """The finished cells that have all of these tags, in the order of the study."""
        return [each for each in self._finished.values() if _matches(each.cell, tags)]

    def one(self, **tags: Tag) -> CellResult | None:
        """The only cell that has all of these tags; None if it did not finish.

        Raises:
            ConfigError: the study has none or several.
        """
        names = [name for name, each in self._planned.items() if _matches(each.cell, tags)]
        if len(names) != 1:
            raise ConfigError(f"{len(names)} cells have the tags {tags}, expected one: {', '.join(names[:5])}.")
        return self.cell(names[0])

    def values(self, *metric: str, scale: float = 1.0, **tags: Tag) -> list[float]:
        """`scale` times the entry `metric` of result.json of the cell with these tags, per replicate; NaN where it failed."""
        return self.read(lambda each: scale * float(each.get(*metric)), **tags)

    def read(self, value: Callable[[CellResult], float], **tags: Tag) -> list[float]:
        """`value` of the cell with these tags, per replicate; NaN where it failed."""
        cells = [self.one(replicate=replicate, **tags) for replicate in range(self.replicates)]
        return [math.nan if each is None else value(each) for each in cells]

    def compare(
        self, *metric: str, arm: str, baseline: str, smallest_effect: float, scale: float = 1.0,
        measure: str = "test accuracy", where: str = "", primary: bool = False, must: Verdict | None = None,
        own_budget: Collection[str] = (), **tags: Tag,
    ) -> Comparison:  # fmt: skip
        """Cells tagged arm=`arm` against arm=`baseline`, paired by replicate, after a check that both were trained equally long.

        Args:
            metric: path of the value in result.json; larger is better.
            arm: the arm under test.
            baseline: the arm that it is compared with.
            smallest_effect: the smallest difference of interest, in the unit of the scaled values.
            scale: factor of the values, such as 100 for percentage points.
            measure: what the values are, in words.
            where: the setting in words ("50 labels per class"); empty where there is only one.
            primary: whether this is the comparison of the study's verdict.
            must: of a positive control, what it must show.
            own_budget: arms that are meant to train for another number of steps.
            tags: which cells of the arms, for example labels=50.

        Raises:
            ConfigError: the arms were not trained for the same number of steps on as many images.
        """
        equal = [each for each in (baseline, arm) if each not in own_budget]
        self.check_equal(equal, [each for name in equal for each in self.find(arm=name, **tags)], where)
        return compare(
            self.values(*metric, scale=scale, arm=arm, **tags),
            self.values(*metric, scale=scale, arm=baseline, **tags),
            arm=arm, baseline=baseline, smallest_effect=smallest_effect, measure=measure, where=where,
            primary=primary, must=must, levels=self.levels,
        )  # fmt: skip

    def check_equal(self, arms: Sequence[str], cells: Sequence[CellResult], where: str) -> None:
        """Record in `checks` that all `cells` of `arms` were trained equally long.

        Raises:
            ConfigError: they were not.
        """
        by_cell = {each.cell.name: self.training_clock(each) for each in cells}
        clocks = {tuple(sorted(clock.items())) for clock in by_cell.values() if clock is not None}
        if len(clocks) > 1:
            listed = "; ".join(f"{name}: {clock}" for name, clock in by_cell.items())
            raise ConfigError(f"arms {' and '.join(arms)} {where} were not trained equally long ({listed}).")
        if len(arms) > 1:
            clock = dict(clocks.pop()) if clocks else None
            self.checks.append({"arms": list(arms), "where": where, "equal_training": clock, "cells": len(by_cell)})

    def training_clock(self, each: CellResult) -> dict[str, int] | None:
        """Steps and images of the training behind a cell: its own, or that of an input with the same tags."""
        for source in self._with_inputs(each):
            if "clock" in source.result and (source is each or _matches(source.cell, each.cell.tags)):
                return dict(source.result["clock"])
        return None

    def _with_inputs(self, each: CellResult) -> Iterator[CellResult]:
        yield each
        for name in each.inputs:
            if name in self._finished:
                yield from self._with_inputs(self._finished[name])


def _matches(cell: Cell, tags: Mapping[str, Tag]) -> bool:
    return all(tag in cell.tags and cell.tags[tag] == value for tag, value in tags.items())
