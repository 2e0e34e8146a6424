"""What a GAN's iteration costs in steps of a classifier, from made-up trainings."""

import math
from pathlib import Path
from typing import Any

import pytest

from sparring.study.engine.cell import Cell
from sparring.study.engine.results import CellResult
from sparring.study.tables.costs import relative_step_cost, step_cost_sentence


def training(seconds: float | None, iterations: int) -> CellResult:
    cost: dict[str, Any] = {"cpu_seconds": seconds, "seconds": 7.0}
    result = {"cost": cost, "clock": {"iteration": iterations}}
    return CellResult(Cell("a", "train", ()), Path("run"), result, ())


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
