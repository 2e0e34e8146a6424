"""Reading results: values by tags, failed replicates, and the check that arms were trained equally long."""

import math
from pathlib import Path

import pytest

from sparring.core.errors import ConfigError
from sparring.study.engine.plan import Planned
from sparring.study.engine.results import NOT_CHOSEN, Results
from tests.study.engine.test_run import go
from tests.study.toy import planned, stage

__all__ = ["stage"]


def study(folder: Path, *, steps: int = 5, bad: str = "") -> list[Planned]:
    """Two arms and three replicates; the arm `deep` has an input, so its value is 2."""
    cells = [planned(folder, f"r{r}/base", steps=1, replicate=r) for r in range(3)]
    for r in range(3):
        act = "data" if bad == f"r{r}/flat" else ""
        cells.append(planned(folder, f"r{r}/flat", act=act, arm="flat", replicate=r))
        cells.append(planned(folder, f"r{r}/deep", f"r{r}/base", steps=steps, arm="deep", replicate=r))
    return cells


def results(folder: Path, cells: list[Planned]) -> Results:
    return Results(cells, go(folder, cells), replicates=3)


def compare(finished: Results, **more: object) -> object:
    return finished.compare("value", arm="deep", baseline="flat", smallest_effect=1.0, **more)  # type: ignore[arg-type]


def test_values_by_replicate(tmp_path: Path, stage: list[str]) -> None:
    finished = results(tmp_path, study(tmp_path))
    assert finished.values("value", arm="deep", scale=100) == [200, 200, 200]
    comparison = finished.compare("value", arm="deep", baseline="flat", smallest_effect=1.0)
    assert (comparison.delta, comparison.n, comparison.wins) == (1, 3, 3)
    assert finished.checks == [
        {"arms": ["flat", "deep"], "where": "", "equal_training": {"images_seen": 5, "iteration": 5}, "cells": 6}
    ]
    assert finished.cell("r0/base").result["value"] == 1


def test_a_failed_replicate_is_not_a_number(tmp_path: Path, stage: list[str]) -> None:
    finished = results(tmp_path, study(tmp_path, bad="r1/flat"))
    values = finished.values("value", arm="flat")
    assert math.isnan(values[1])
    assert finished.compare("value", arm="deep", baseline="flat", smallest_effect=1.0).n == 2


def test_arms_on_unequal_terms_are_not_compared(tmp_path: Path, stage: list[str]) -> None:
    finished = results(tmp_path, study(tmp_path, steps=6))
    with pytest.raises(ConfigError, match=r"flat and deep .*not trained equally long"):
        compare(finished)
    compare(finished, own_budget=["deep"])
    assert finished.checks == []


def test_tags_must_name_one_cell(tmp_path: Path, stage: list[str]) -> None:
    finished = results(tmp_path, study(tmp_path))
    with pytest.raises(ConfigError, match="3 cells have the tags"):
        finished.one(arm="deep")
    with pytest.raises(ConfigError, match="0 cells"):
        finished.values("value", arm="dep")
    with pytest.raises(KeyError):
        finished.cell("r9/flat")
    with pytest.raises(ConfigError, match="has no metrics > accuracy"):
        finished.values("metrics", "accuracy", arm="flat")


def test_one_candidate_of_each_arm_is_chosen_replicate_by_replicate(tmp_path: Path, stage: list[str]) -> None:
    """Values: r0 plain 1, richer 2; r1 both 1; r2 richer failed."""
    cells = [planned(tmp_path, f"r{r}/base", replicate=r) for r in range(3)]
    for r in range(3):
        cells.append(planned(tmp_path, f"r{r}/plain", arm="gan", candidate="plain", replicate=r))
        inputs, act = (["r0/base"] if r == 0 else []), ("data" if r == 2 else "")
        cells.append(planned(tmp_path, f"r{r}/richer", *inputs, act=act, arm="gan", candidate="richer", replicate=r))
    finished = results(tmp_path, cells)
    with pytest.raises(ConfigError, match="2 cells have the tags"):
        finished.values("value", arm="gan")
    chosen = finished.chosen(lambda each: float(each.get("value")))
    assert [each.cell.name for each in chosen.find(arm="gan")] == ["r0/richer", "r1/plain", "r2/plain"]
    assert chosen.values("value", arm="gan") == [2, 1, 1]
    assert [each.cell.name for each in chosen.find(part=NOT_CHOSEN)] == ["r0/plain", "r1/richer"]
    assert len(finished.find(arm="gan")) == 5  # unchanged


def test_a_candidate_of_several_cells_is_chosen_by_one_part(tmp_path: Path, stage: list[str]) -> None:
    """The part `measured` of candidate b has the larger value and decides nothing; that of a failed."""
    cells = [planned(tmp_path, "r0/base", replicate=0)]
    for name, inputs, act in (("a", ["r0/base"], ""), ("b", [], "")):
        cells.append(
            planned(tmp_path, f"r0/{name}", *inputs, act=act, arm="gan", candidate=name, part="t", replicate=0)
        )
    cells.append(planned(tmp_path, "r0/a_m", "r0/a", act="data", arm="gan", candidate="a", part="m", replicate=0))
    cells.append(planned(tmp_path, "r0/b_m", "r0/a", "r0/b", arm="gan", candidate="b", part="m", replicate=0))
    chosen = results(tmp_path, cells).chosen(lambda each: float(each.get("value")), part="t")
    assert [each.cell.name for each in chosen.find(arm="gan")] == ["r0/a"]
    assert chosen.one(arm="gan", part="m", replicate=0) is None  # never the other candidate's in its place
    assert sorted(each.cell.name for each in chosen.find(part=NOT_CHOSEN)) == ["r0/b", "r0/b_m"]
