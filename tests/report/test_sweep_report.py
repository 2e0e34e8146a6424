"""The table of a sweep, from fabricated records of its jobs."""

import csv
import io
import statistics
from pathlib import Path
from typing import Any

import pytest

from sparring.report.record import Series
from sparring.report.sweep import SweepRow, csv_text, shared_metrics, table, varying, write


def job(number: int, *, width: int, seed: int, accuracy: float | None, best: float = 0.0) -> SweepRow:
    result: dict[str, Any] = {}
    if accuracy is not None:
        metric = {"value": accuracy, "std": None, "interval": [accuracy - 0.1, accuracy + 0.1], "direction": "higher"}
        result = {
            "metrics": {"val/accuracy": metric, "test/accuracy": metric, "test/ece": metric | {"direction": "lower"}}
        }
    overrides = {"model": "classifier", "model.backbone.width": str(width), "seed": str(seed)}
    series = [Series("val/accuracy", [1.0, 2.0], [best, 0.1], 0)] if best else []
    return SweepRow(number, overrides, "finished", 3.2, 0, f"{number}_x", result=result, series=series)


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


def test_the_page_escapes_and_needs_nothing_else(tmp_path: Path) -> None:
    odd = SweepRow(3, {"name": "<b>"}, "failed", 1.0, 3, "3_x", reason="<script>")
    page = write(tmp_path, [*ROWS, odd], ending="3 of 4 jobs finished, 1 did not.").read_text()
    assert "<script>" not in page
    assert "failed: &lt;script&gt; (3)" in page
    assert "//" not in page  # no address
    assert (tmp_path / "sweep.csv").exists()
