"""Lines of plots: means and intervals per point, gaps where a value is undefined."""

import math
from dataclasses import asdict
from pathlib import Path

import pytest
from scipy import stats

from sparring.report.plots import panel
from sparring.study.engine.results import Results
from sparring.study.tables.analysis import Line, Plot
from sparring.study.tables.plots import class_line, class_names, class_plot, mean_line, settings_plot
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


def test_one_setting_gives_bars_over_arms_and_several_give_curves() -> None:
    values = {"aug": [[1.0, 3.0], [5.0, 7.0]], "gan": [[2.0, 2.0], [6.0, 8.0]]}
    curves = settings_plot(values, [5, 10], title="t", x_label="labels")
    assert (curves.x, curves.x_label, curves.log_x) == ((5.0, 10.0), "labels", True)
    assert {line.label: line.y for line in curves.lines} == {"aug": (2, 6), "gan": (2, 7)}
    bars = settings_plot({arm: points[:1] for arm, points in values.items()}, [5], title="t", x_label="labels")
    assert (bars.x, bars.x_label, bars.log_x) == (("aug", "gan"), "", False)
    assert [line.y for line in bars.lines] == [(2, 2)]


def test_classes_are_named_by_a_run_that_finished(tmp_path: Path, stage: list[str]) -> None:
    cells = [planned(tmp_path, f"r{r}", act="data" if r else "", arm="gan", replicate=r) for r in range(2)]
    results = Results(cells, go(tmp_path, cells), replicates=2)
    assert class_names(results, arm="gan") == ("zero", "one")
    assert class_names(results, arm="real") == ()
    assert class_plot(results, ["real"], title="t") == []
