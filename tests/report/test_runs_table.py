"""The table of many runs, from fabricated records."""

import csv
import io
import statistics
from typing import Any

import pytest

from sparring.report.record import Series
from sparring.report.runs.row import RunRow
from sparring.report.runs.table import all_metrics, bests_of, csv_text, shared_metrics, table, varying


def job(number: int, *, width: int, seed: int, accuracy: float | None, best: float = 0.0) -> RunRow:
    result: dict[str, Any] = {}
    if accuracy is not None:
        metric = {"value": accuracy, "std": None, "interval": [accuracy - 0.1, accuracy + 0.1], "direction": "higher"}
        result = {
            "metrics": {"val/accuracy": metric, "test/accuracy": metric, "test/ece": metric | {"direction": "lower"}}
        }
    overrides = {"model": "classifier", "model.backbone.width": str(width), "seed": str(seed)}
    series = [Series("val/accuracy", [1.0, 2.0], [best, 0.1], 0)] if best else []
    return RunRow(number, overrides, "finished", 3.2, 0, f"{number}_x", result=result, series=series)


ROWS = [
    job(0, width=8, seed=1, accuracy=0.8, best=0.85),
    job(1, width=8, seed=2, accuracy=0.9, best=0.95),
    job(2, width=16, seed=1, accuracy=None),
]


def test_only_settings_that_vary_are_shown() -> None:
    assert varying(ROWS) == ["model.backbone.width", "seed"]
    assert varying(ROWS[:1]) == ["model", "model.backbone.width", "seed"]


def test_a_metric_stands_once_at_the_end_and_at_its_best() -> None:
    assert shared_metrics(ROWS) == ["test/accuracy", "val/accuracy", "test/ece"]
    made = table(ROWS)
    first = ["job", "model.backbone.width", "seed", "test/accuracy", "best val/accuracy", "test/ece"]
    assert made.columns == [*first, "state", "seconds", "directory"]
    assert made.rows[0] == ["0", "8", "1", "0.8", "0.85", "0.8", "finished", "3", "0_x"]
    assert made.rows[2][3:6] == ["–", "–", "–"]


def test_mean_and_deviation_over_the_seeds_of_a_setting() -> None:
    (line,) = table(ROWS).means
    spread = f"{statistics.stdev([0.8, 0.9]):.2g}"
    assert line == ["mean", "8", "2 seeds", f"0.85 ± {spread}", f"0.9 ± {spread}", f"0.85 ± {spread}", "", "", ""]
    assert table(ROWS[:1]).means == []


def test_the_csv_has_every_metric_with_its_interval() -> None:
    rows = list(csv.DictReader(io.StringIO(csv_text(ROWS))))
    assert [row["test/accuracy"] for row in rows] == ["0.8", "0.9", ""]
    assert float(rows[0]["test/accuracy/low"]) == pytest.approx(0.7)


def test_runs_of_several_kinds_show_the_metrics_that_most_have_first() -> None:
    distance = {"val/fd_pixels_100": {"value": 2.0, "direction": "lower"}}
    gan = RunRow(3, {}, "finished", 1.0, 0, "3_x", result={"metrics": distance})
    assert shared_metrics([*ROWS, gan]) == []
    assert all_metrics([*ROWS, gan]) == ["test/accuracy", "val/accuracy", "test/ece", "val/fd_pixels_100"]


def test_the_best_on_the_way_is_the_lowest_of_a_distance_and_of_diversity_there_is_none() -> None:
    """Also in a run that left no result, which does not say which way is better."""
    metrics = {
        "val/fd_pixels_100": {"value": 2.0, "direction": "lower"},
        "train/diversity_pixels_200": {"value": 1.0, "direction": "near_reference"},
    }
    series = [Series("quality/fd_pixels_100", [1.0, 2.0], [3.0, 5.0], 0), Series("samples/diversity", [1.0], [1.2], 0)]
    rows = [
        RunRow(0, {}, "finished", 1.0, 0, "0", result={"metrics": metrics}, series=series),
        RunRow(1, {}, "failed", 1.0, 1, "1", series=series),
    ]
    best = bests_of(list(metrics), rows)
    assert list(best) == ["val/fd_pixels_100"]
    assert [best["val/fd_pixels_100"].of(row) for row in rows] == [3.0, 3.0]
