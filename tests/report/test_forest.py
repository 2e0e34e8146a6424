"""The forest plot of a study's differences, from fabricated comparisons."""

from typing import Any

from sparring.report.forest import ROWS, forest


def comparison(arm: str, delta: float | None, half: float = 1.0, **more: Any) -> dict[str, Any]:
    interval = [None, None] if delta is None else [delta - half, delta + half]
    known = {
        "baseline": "aug",
        "where": "",
        "measure": "test accuracy",
        "primary": False,
        "verdict": "OPEN",
        "smallest_effect": 1.0,
    }
    return {"arm": arm, "delta": delta, "t_interval": interval, **known, **more}


def test_the_primary_comparison_comes_first_and_others_of_its_measure() -> None:
    made = forest(
        [comparison("a", 0.0), comparison("b", 2.0, primary=True, verdict="HELPS"), comparison("c", 0, measure="ece")]
    )
    assert made is not None
    assert [row.name for row in made.rows] == ["b − aug", "a − aug"]
    assert (made.rows[0].verdict, made.rows[0].kind, made.rows[0].figures) == (
        "Helps",
        "finished",
        "+2.00 [1.00, 3.00]",
    )


def test_positions_are_shares_of_the_axis() -> None:
    """The axis goes from -1.5, half more than the smallest effect, to 4.5."""
    made = forest([comparison("a", 3.0, 1.5, where="50 labels")])
    assert made is not None
    (row,) = made.rows
    assert (made.left, made.right) == ("-1.5", "+4.5")
    assert (made.zero, made.zone) == (25.0, (8.33, 33.33))
    assert (row.low, row.mean, row.high) == (50.0, 75.0, 100.0)
    assert row.name == "a − aug, 50 labels"


def test_differences_that_are_missing_are_left_out() -> None:
    assert forest([comparison("a", None)]) is None
    assert forest([]) is None
    made = forest([comparison(str(i), 0.0) for i in range(ROWS + 2)])
    assert made is not None
    assert (len(made.rows), made.left_out) == (ROWS, 2)
