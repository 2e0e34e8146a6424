"""Bars of metrics beside those of real images."""

from typing import Any

from sparring.report.bars import bars


def record(metric: str, value: float | None, real: float | None, split: str = "test") -> dict[str, Any]:
    fixed = {"name": f"{metric}_pixels_9", "means": metric, "better": "lower"}
    return {"metric": metric, "value": value, "real_data_reference": real, "split": split, **fixed}


def test_the_longer_bar_fills_the_axis() -> None:
    (bar,) = bars([record("fd", 2.0, 0.5), record("fd", 1.0, 1.0, "train")], "test")
    assert (bar.name, bar.samples, bar.real, bar.value, bar.reference) == ("fd_pixels_9", 100.0, 25.0, "2", "0.5")


def test_what_has_no_bar() -> None:
    assert (
        bars([record("fd", None, 1), record("kid", -0.1, 0.2), record("is", 1, None), record("ratio", 0, 0)], "test")
        == []
    )
