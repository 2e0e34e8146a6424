"""What the cells of a study left, for its analysis: values by tags, paired comparisons, and the check of equal terms."""

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sparring.core.errors import ConfigError
from sparring.run.directory import RunDir
from sparring.study.engine.cell import Cell
from sparring.study.engine.plan import Planned
from sparring.study.engine.run import CellOutcome
from sparring.study.stats.verdict import Comparison, compare

Tag = str | int | float


@dataclass(frozen=True)
class CellResult:
    """A finished cell: its run directory and the content of its result.json."""

    cell: Cell
    run: Path
    result: Mapping[str, Any]
    inputs: tuple[str, ...]

    def get(self, *path: str) -> Any:
        """What result.json holds under `path`, for example ("metrics", "test/accuracy"), or under "metrics/..." as one text.

        Raises:
            ConfigError: there is no such entry.
        """
        value: Any = self.result
        for key in path:
            if not isinstance(value, Mapping) or key not in value:
                here = ", ".join(map(str, value)) if isinstance(value, Mapping) else "no entries"
                raise ConfigError(f"{self.run}/result.json has no {' > '.join(path)}; at {key} there is {here}.")
            value = value[key]
        return value


class Results:
    """All cells of a study. Cells that failed are missing here, and NaN in the values."""

    def __init__(self, planned: Sequence[Planned], outcomes: Mapping[str, CellOutcome], *, replicates: int) -> None:
        self.replicates = replicates
        self.checks: list[dict[str, Any]] = []
        self._planned = {each.cell.name: each for each in planned}
        self._found: dict[str, CellResult] = {}
        for each in planned:
            if outcomes[each.cell.name].state == "finished":
                result = RunDir(each.folder).result()
                self._found[each.cell.name] = CellResult(each.cell, each.folder, result, each.inputs)

    def cell(self, name: str) -> CellResult | None:
        """The cell of that name; None if it did not finish. Raises KeyError if the study has none."""
        if name not in self._planned:
            raise KeyError(name)
        return self._found.get(name)

    def find(self, **tags: Tag) -> list[CellResult]:
        """The finished cells that have all of these tags, in the order of the study."""
        return [each for each in self._found.values() if _matches(each.cell, tags)]

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
        return [
            math.nan if (each := self.one(replicate=replicate, **tags)) is None else scale * float(each.get(*metric))
            for replicate in range(self.replicates)
        ]

    def compare(
        self, *metric: str, arm: str, baseline: str, smallest_effect: float, scale: float = 1.0,
        measure: str = "test accuracy", where: str = "", primary: bool = False, own_budget: Collection[str] = (), **tags: Tag,
    ) -> Comparison:  # fmt: skip
        """Cells tagged arm=`arm` against arm=`baseline`, paired by replicate, after a check that both were trained equally long.

        metric: where the value stands in result.json; larger is better. measure: what it is, in words.
        tags: which cells of the arms ({"labels": 50}).
        own_budget: arms that are meant to train for another number of steps ("real with the GAN's compute").

        Raises:
            ConfigError: the arms were not trained for the same number of steps on as many images.
        """
        self._check_equal_terms([each for each in (baseline, arm) if each not in own_budget], where, tags)
        return compare(
            self.values(*metric, scale=scale, arm=arm, **tags),
            self.values(*metric, scale=scale, arm=baseline, **tags),
            arm=arm, baseline=baseline, smallest_effect=smallest_effect, measure=measure, where=where,
            primary=primary,
        )  # fmt: skip

    def _check_equal_terms(self, arms: Sequence[str], where: str, tags: Mapping[str, Tag]) -> None:
        self.check_equal(arms, [each for arm in arms for each in self.find(arm=arm, **tags)], where)

    def check_equal(self, arms: Sequence[str], cells: Sequence[CellResult], where: str) -> None:
        """Note that all `cells`, those of `arms` in words, were trained equally long; ConfigError if they were not."""
        seen = {each.cell.name: self.training_clock(each) for each in cells}
        clocks = {tuple(sorted(clock.items())) for clock in seen.values() if clock is not None}
        if len(clocks) > 1:
            told = "; ".join(f"{name}: {clock}" for name, clock in seen.items())
            raise ConfigError(f"arms {' and '.join(arms)} {where} were not trained equally long ({told}).")
        if len(arms) > 1:
            clock = dict(clocks.pop()) if clocks else None
            self.checks.append({"arms": list(arms), "where": where, "equal_training": clock, "cells": len(seen)})

    def training_clock(self, each: CellResult) -> dict[str, int] | None:
        """Steps and images of the training behind a cell: its own, or that of an input with the same tags."""
        for one in self._with_inputs(each):
            if "clock" in one.result and (one is each or _matches(one.cell, each.cell.tags)):
                return dict(one.result["clock"])
        return None

    def _with_inputs(self, each: CellResult) -> Iterator[CellResult]:
        yield each
        for name in each.inputs:
            if name in self._found:
                yield from self._with_inputs(self._found[name])


def _matches(cell: Cell, tags: Mapping[str, Tag]) -> bool:
    return all(tag in cell.tags and cell.tags[tag] == value for tag, value in tags.items())
