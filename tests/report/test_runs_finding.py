"""The last lines of a sweep, from fabricated records."""

from dataclasses import replace

import pytest

from sparring.report.runs.finding import finding
from tests.report.test_runs_table import ROWS, job


def test_the_best_job_and_the_mean_of_its_setting() -> None:
    words, figures = finding(ROWS)
    assert words == "The best test/accuracy is that of job 1 (model.backbone.width=8 seed=2)."
    assert figures == "test/accuracy 90.0 % [80.0, 100.0], mean 0.85 ± 0.071 over 2 seeds."


@pytest.mark.parametrize(("direction", "number"), [("lower", 0), ("higher", 1)])
def test_the_direction_of_a_metric_decides(direction: str, number: int) -> None:
    metric = {"std": 0.2, "interval": None, "direction": direction}
    rows = [
        replace(row, result={"metrics": {"test/fd_pixels_8": metric | {"value": value}}})
        for row, value in zip(ROWS[:2], (1.0, 2.0), strict=True)
    ]
    words, figures = finding(rows)
    assert f"job {number} " in words
    assert figures.startswith(f"test/fd_pixels_8 {number + 1} ± 0.2, mean 1.5 ± 0.71 over 2 seeds")


def test_what_has_no_better_end_or_no_value() -> None:
    metric = {"std": None, "interval": None, "direction": "near_reference"}
    rows = [
        replace(row, result={"metrics": {"train/diversity_pixels_8": metric | {"value": value}}})
        for row, value in zip(ROWS[:2], (0.9, 0.5), strict=True)
    ]
    assert finding(rows) == ("", "train/diversity_pixels_8 from 0.5 to 0.9.")
    assert finding([job(0, width=8, seed=1, accuracy=None)]) == ("", "no job measured what all of them measure.")
    assert finding([]) == ("", "no job measured what all of them measure.")
