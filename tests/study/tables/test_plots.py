"""Lines of plots: means and intervals per point, gaps where a value is undefined."""

import math
from dataclasses import asdict
from pathlib import Path

import pytest
from scipy import stats

from sparring.report.plots import panel
from sparring.study.engine.results import Results
from sparring.study.tables.analysis import Line, Plot
from sparring.study.tables.plots import class_line, mean_line
from tests.study.engine.test_run import go
from tests.study.toy import planned, stage

__all__ = ["stage"]


def test_points_are_means_with_t_intervals() -> None:
    line = mean_line("gan", [[1.0, 2.0, 3.0], [4.0, math.nan, 4.0], [math.nan] * 3])
    assert line.y[:2] == (2, 4)
    assert line.high[0] == pytest.approx(2 + stats.t.ppf(0.975, 2) / math.sqrt(3))
    assert (line.low[1], line.high[1]) == (4, 4)
    assert all(math.isnan(each[2]) for each in (line.y, line.low, line.high))


def test_a_line_over_classes_is_read_from_every_replicate(tmp_path: Path, stage: list[str]) -> None:
    cells = [planned(tmp_path, f"r{r}", arm="gan", replicate=r, per_class=[0.5 + r / 10, None]) for r in range(2)]
    line = class_line("gan", Results(cells, go(tmp_path, cells), replicates=2), "per_class", scale=100, arm="gan")
    assert line.y[0] == pytest.approx(55)
    assert math.isnan(line.y[1])


def test_an_arm_all_of_whose_cells_failed_is_not_drawn(tmp_path: Path, stage: list[str]) -> None:
    cells = [planned(tmp_path, f"r{r}", act="data", arm="gan", replicate=r) for r in range(2)]
    line = class_line("gan", Results(cells, go(tmp_path, cells), replicates=2), "per_class", arm="gan")
    assert line.y == ()
    plot = Plot("Classes", "class", "%", ("zero", "one"), (line, Line("real", (1.0, 2.0))))
    assert [each.label for each in panel(asdict(plot)).lines] == ["real"]
