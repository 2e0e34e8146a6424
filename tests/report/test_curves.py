"""Curves and numbers as a page shows them."""

from pathlib import Path

import numpy as np
import pytest

from sparring.logger.csv import read_rows
from sparring.report.curves import POINTS, binned, panels, short
from sparring.report.page import duration
from sparring.report.record import MetricTable, Series
from tests.report.runs import METRICS


def test_metrics_columns_rows_and_gaps(tmp_path: Path) -> None:
    (tmp_path / "metrics.csv").write_text(METRICS)
    table = MetricTable.read(tmp_path / "metrics.csv")
    loss, discriminator, *_, validation = table.series()
    assert loss == Series("loss/generator", [1600, 3200, 4800], [1.5, 1.25, 0.987], 0)
    assert discriminator == Series("loss/discriminator", [1600, 4800], [0.6, 0.7], 1)
    assert validation == Series("val/x", [3200], [0.5], 0)
    assert table.last_clock() == {"iteration": 75, "images_seen": 4800}


@pytest.mark.parametrize(
    ("content", "kept", "lost"),
    [
        ("iteration,images_seen,x\n1,8,0.5\n2,16,0.1234", 1, 1),  # cut inside a number: 0.12 would be another value
        ("iteration,images_seen,x\n1,8,0.5\n2,1\n3,24,0.5\n", 2, 1),
        ("iterat\n1,8,0.5\n2,16,0.5\n", 0, 2),
        ("iteration,images_seen,x\n1,8,0.5\n2,16,0.5\n", 2, 0),
        ("", 0, 0),
    ],
)
def test_rows_that_cannot_be_read_are_counted_aloud(
    content: str, kept: int, lost: int, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "metrics.csv"
    file.write_text(content)
    for read in (lambda: MetricTable.read(file).rows, lambda: read_rows(file)[1]):
        caplog.clear()
        assert len(read()) == kept
        said = f"{lost} of its rows" if content else "the rows that it had are lost"
        own = [each for each in caplog.records if each.name.startswith("sparring")]
        assert [said in each.getMessage() for each in own] == [True] * (bool(lost) or not content)


def test_binned_averages_neighbours_and_keeps_the_range() -> None:
    x = np.arange(POINTS * 5, dtype=float)
    y = np.random.default_rng(0).normal(size=len(x))
    mean_x, mean_y, low, high = binned(x, y)
    np.testing.assert_allclose(mean_x, x.reshape(POINTS, 5).mean(1))
    np.testing.assert_allclose(mean_y, y.reshape(POINTS, 5).mean(1))
    np.testing.assert_allclose(low, y.reshape(POINTS, 5).min(1))
    np.testing.assert_allclose(high, y.reshape(POINTS, 5).max(1))
    for few in (x[:7], x[: POINTS + 3]):
        assert binned(few, few)[0].sum() > 0
        np.testing.assert_array_equal(binned(x[:7], y[:7])[1], y[:7])


def test_panels_order_and_colours() -> None:
    names = ["speed/images_per_second", "val/x", "lr/g", "penalty/r1", "loss/g", "loss/d", "logits/real"]
    drawn = panels([Series(name, [1.0, 2.0], [1.0, 3.0], 0) for name in names])
    titles = ["Losses", "Discriminator's logits", "Gradient penalties", "Validation", "Learning rates", "Speed"]
    assert [panel.title for panel in drawn] == titles
    assert [(line.label, line.colour, line.last) for line in drawn[0].lines] == [
        ("g", "var(--line-1)", "3"), ("d", "var(--line-2)", "3")
    ]  # fmt: skip
    for panel in drawn:
        assert "var(--line-1)" in panel.svg
        assert "#0a0b" not in panel.svg  # no placeholder is left


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (1, "1"),
        (0.754321, "0.754"),
        (-0.1265, "−0.127"),
        (0.002, "0.002"),
        (0.00015, "0.00015"),
        (2e-5, "2e-5"),
        (38400, "38.4k"),
        (3.2e7, "32M"),
        (999, "999"),
        (12.345, "12.3"),
        (2.5e12, "2.5e12"),
        (-1.5e-7, "−1.5e-7"),
    ],
)
def test_short_numbers(value: float, text: str) -> None:
    assert short([value]) == text


def test_durations() -> None:
    assert [duration(seconds) for seconds in (2.24, 75, 3599, 7620)] == [
        "2.2 s",
        "1 min 15 s",
        "59 min 59 s",
        "2 h 07 min",
    ]
