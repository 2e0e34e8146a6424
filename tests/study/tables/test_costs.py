"""Wall time of runs, and the cost of a GAN's iteration in steps of a classifier, from made-up trainings."""

import math
from pathlib import Path
from typing import Any

import pytest

from sparring.study.engine.cell import Cell
from sparring.study.engine.results import CellResult, Results
from sparring.study.tables.costs import arm_runs, cost_table, relative_step_cost, step_cost_sentence
from tests.study.engine.test_run import go
from tests.study.toy import planned, stage

__all__ = ["stage"]


def training(seconds: float | None, iterations: int) -> CellResult:
    cost: dict[str, Any] = {"cpu_seconds": seconds, "seconds": 7.0}
    result = {"cost": cost, "clock": {"iteration": iterations}}
    return CellResult(Cell("a", "train", ()), {}, Path("run"), result, ())


def test_median_of_processor_time_per_iteration() -> None:
    gans = [training(20.0, 10), training(40.0, 10), training(900.0, 10)]  # 2, 4 and 90 seconds an iteration
    assert relative_step_cost(gans, [training(3.0, 2), training(5.0, 2)]) == pytest.approx(4 / 2)


def test_wall_time_where_a_gpu_does_the_work() -> None:
    gans, classifiers = ([training(None, n)] for n in (2, 7))
    assert relative_step_cost(gans, classifiers) == pytest.approx(3.5)


def test_nothing_measured_is_no_number() -> None:
    assert math.isnan(relative_step_cost([], [training(1.0, 1)]))
    assert math.isnan(relative_step_cost([training(5.0, 0)], [training(1.0, 1)]))
    assert step_cost_sentence(math.nan, assumed=2.5) == ""


def test_a_poor_assumption_is_reported_with_the_remedy() -> None:
    assert "had 96% of the GAN's computing time" in step_cost_sentence(2.6, assumed=2.5)
    assert "study.gan_step_cost" not in step_cost_sentence(2.6, assumed=2.5)
    assert step_cost_sentence(5.0, assumed=2.5).endswith(
        "A new study with study.gan_step_cost=5 would give it as much."
    )


def test_costs_by_setting_leave_out_runs_that_no_cell_has(tmp_path: Path, stage: list[str]) -> None:
    cells = [
        planned(tmp_path, f"labels{labels}/r{r}", seconds=1.0 + r, arm="gan", labels=labels, replicate=r)
        for labels in (5, 10)
        for r in range(3)
    ]
    results = Results(cells, go(tmp_path, cells), replicates=3)
    settings = {"5 labels": {"labels": 5}, "10 labels": {"labels": 10}}
    table = cost_table(results, arm_runs(["gan", "real"]), settings=settings, note="A note.")
    assert table.columns == ("run", "5 labels, s", "10 labels, s", "runs")
    assert table.rows == (("gan", "2.0 ± 1.0", "2.0 ± 1.0", "6"),)  # of 1, 2 and 3 s
    assert table.note.endswith("A note.")
    assert cost_table(results, {"all": {"arm": "gan"}}).rows == (("all", "2.0 ± 0.9", "6"),)
