"""The results of a study's cells, for its analysis: values by tags, paired comparisons, and the check of equal training."""

import copy
import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from sparring.config.build import Builder, build
from sparring.core.errors import ConfigError
from sparring.metric.classification import balanced_accuracy, unbalanced_counts
from sparring.run.directory import RunDir
from sparring.study.engine.cell import Cell, Tag
from sparring.study.engine.cell_result import CellResult as CellResult
from sparring.study.engine.plan import Planned
from sparring.study.engine.run import CellOutcome
from sparring.study.engine.shared import test_image_variance, training_variance
from sparring.study.stats.levels import SINGLE, Levels
from sparring.study.stats.statistics import paired_delta
from sparring.study.stats.verdict import Comparison, Verdict, compare

# Where result.json of a classifier's training holds them, in [0, 1].
TEST_ACCURACY = ("metrics", "test/accuracy", "value")
VAL_ACCURACY = ("metrics", "val/accuracy", "value")
NOT_CHOSEN = "not_chosen"  # tag `part` of an arm's candidates that val did not choose


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
        self.planned, self.outcomes = list(planned), dict(outcomes)
        self.checks: list[dict[str, Any]] = []
        self._planned = {each.cell.name: each for each in planned}
        self._finished: dict[str, CellResult] = {}
        for each in planned:
            if outcomes[each.cell.name].state == "finished":
                result = RunDir(each.folder).result()
                self._finished[each.cell.name] = CellResult(each.cell, each.config, each.folder, result, each.inputs)

    def cell(self, name: str) -> CellResult | None:
        """The cell of that name; None if it did not finish. Raises KeyError if the study has none."""
        if name not in self._planned:
            raise KeyError(name)
        return self._finished.get(name)

    def folder(self, **tags: Tag) -> Path:
        """Run directory of the only cell that has all of these tags, however it ended.

        Raises:
            ConfigError: the study has none or several.
        """
        return self._planned[self._only(tags)].folder

    def find(self, **tags: Tag) -> list[CellResult]:
        """The finished cells that have all of these tags, in the order of the study."""
        return [each for each in self._finished.values() if _matches(each.cell, tags)]

    def one(self, **tags: Tag) -> CellResult | None:
        """The only cell that has all of these tags; None if it did not finish.

        Raises:
            ConfigError: the study has none or several.
        """
        return self.cell(self._only(tags))

    def chosen(self, value: Callable[[CellResult], float], *, part: str | None = None) -> "Results":
        """These results with one candidate of each arm.

        Of the cells that differ in the tags `candidate` and `part` alone those of the candidate of the largest value keep their
        tags, the first of several; the others lose their tag `arm` and are tagged part=NOT_CHOSEN.

        Args:
            value: of a cell, from its val images: a choice by test images would say nothing about other images.
            part: tag `part` of the cells that have it, where an arm's candidate is of several cells; None: of one.
        """
        groups: dict[tuple[tuple[str, Tag], ...], dict[Tag, list[str]]] = {}
        for name, each in self._planned.items():
            if {"arm", "candidate"} <= set(each.cell.tags):
                rest = tuple(
                    sorted((key, tag) for key, tag in each.cell.tags.items() if key not in ("candidate", "part"))
                )
                groups.setdefault(rest, {}).setdefault(each.cell.tags["candidate"], []).append(name)
        chosen = copy.copy(self)
        chosen._planned, chosen._finished = dict(self._planned), dict(self._finished)
        for candidates in groups.values():
            best = self._best(candidates, value, part)
            for name in (each for candidate, names in candidates.items() if candidate != best for each in names):
                tags = {key: tag for key, tag in self._planned[name].cell.tags.items() if key != "arm"}
                cell = replace(self._planned[name].cell, tags={**tags, "part": NOT_CHOSEN})
                chosen._planned[name] = replace(self._planned[name], cell=cell)
                if name in chosen._finished:
                    chosen._finished[name] = replace(self._finished[name], cell=cell)
        return chosen

    def _best(
        self, candidates: Mapping[Tag, Sequence[str]], value: Callable[[CellResult], float], part: str | None
    ) -> Tag:
        """The candidate of the largest value; names of its cells by candidate. The first where no cell finished."""
        values = {
            candidate: value(self._finished[name])
            for candidate, names in candidates.items()
            for name in names
            if name in self._finished and self._planned[name].cell.tags.get("part") == part
        }
        return max(values, key=lambda each: values[each], default=next(iter(candidates)))

    def _only(self, tags: Mapping[str, Tag]) -> str:
        names = [name for name, each in self._planned.items() if _matches(each.cell, tags)]
        if len(names) != 1:
            raise ConfigError(f"{len(names)} cells have the tags {tags}, expected one: {', '.join(names[:5])}.")
        return names[0]

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
        pairs = self.pairs({"arm": arm, **tags}, {"arm": baseline, **tags})
        balanced = metric == TEST_ACCURACY and any(unbalanced(each.result) for pair in pairs for each in pair)
        read = balanced_test_accuracy if balanced else (lambda each: float(each.get(*metric)))
        ours, theirs = ([scale * value for value in self.read(read, arm=name, **tags)] for name in (arm, baseline))
        images = test_image_variance(pairs, scale=scale, balanced=balanced) if metric == TEST_ACCURACY else 0.0
        return compare(
            ours, theirs, arm=arm, baseline=baseline, smallest_effect=smallest_effect,
            measure=f"balanced {measure}" if balanced else measure, where=where, primary=primary, must=must,
            shared_variance=max(images, self.training_variance(ours, theirs, pairs)), levels=self.levels,
        )  # fmt: skip

    def pairs(self, arm: Mapping[str, Tag], baseline: Mapping[str, Tag]) -> list[tuple[CellResult, CellResult]]:
        """The cells with these tags, replicate by replicate, where both finished."""
        cells = [[self.one(replicate=r, **tags) for tags in (arm, baseline)] for r in range(self.replicates)]
        return [(first, second) for first, second in cells if first is not None and second is not None]

    def training_variance(
        self, ours: Sequence[float], theirs: Sequence[float], pairs: Sequence[tuple[CellResult, CellResult]]
    ) -> float:
        """Variance of the mean difference that overlapping training sets hide, see `shared.training_variance`."""
        trained = [source for arm, _ in pairs if (source := self._training(arm)) is not None]
        return training_variance(paired_delta(ours, theirs).tolist(), trained)

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
        source = self._training(each)
        return None if source is None else dict(source.result["clock"])

    def _training(self, each: CellResult) -> CellResult | None:
        """The training behind a cell: itself, or an input with the same tags but for its part."""
        tags = {key: value for key, value in each.cell.tags.items() if key != "part"}
        for source in self._with_inputs(each):
            if "clock" in source.result and (source is each or _matches(source.cell, tags)):
                return source
        return None

    def _with_inputs(self, each: CellResult) -> Iterator[CellResult]:
        yield each
        for name in each.inputs:
            if name in self._finished:
                yield from self._with_inputs(self._finished[name])


def unbalanced(result: Mapping[str, Any]) -> bool:
    """Whether the test images of a classifier are so unequally many by class that accuracy would be that of the frequent ones."""
    counts = result.get("classification", {}).get("test", {}).get("confusion")
    return counts is not None and unbalanced_counts(torch.tensor(counts).sum(1))


def balanced_test_accuracy(each: CellResult) -> float:
    """Mean recall over classes on test, 0 to 1."""
    return balanced_accuracy(torch.tensor(each.get("classification", "test", "confusion")))


def _matches(cell: Cell, tags: Mapping[str, Tag]) -> bool:
    return all(tag in cell.tags and cell.tags[tag] == value for tag, value in tags.items())
