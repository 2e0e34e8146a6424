"""Sentences of a study's conclusion."""

import math
from dataclasses import replace

from sparring.study.stats.verdict import Verdict, compare
from sparring.study.tables.comparisons import comparison_table, control_first, open_cost, other_differences


def test_only_clear_differences_are_listed() -> None:
    base = [90.0, 91.0, 92.0, 93.0, 94.0, 95.0]
    far = [value + 5 + 0.1 * (-1) ** i for i, value in enumerate(base)]
    noise = [value + 3 * (-1) ** i for i, value in enumerate(base)]
    better = compare(far, base, arm="more", baseline="aug", smallest_effect=1.0, where="5 labels")
    worse = compare(base, far, arm="less", baseline="aug", smallest_effect=1.0)
    unclear = compare(noise, base, arm="same", baseline="aug", smallest_effect=1.0)
    assert other_differences([better, unclear, worse]) == (
        "2 of 3 other comparisons show a difference: more helps against aug (5 labels: +5.00); "
        "less hurts against aug (−5.00); 0 none larger than 1, 1 is open."
    )
    assert other_differences([unclear]).startswith("0 of 1 other comparisons show a difference; ")
    assert other_differences([]) == ""


def test_a_failed_positive_control_is_told_first() -> None:
    base = [90.0, 91.0, 92.0, 93.0, 94.0, 95.0]
    noise = [value + 0.3 * (-1) ** i for i, value in enumerate(base)]
    more = {"arm": "more_real", "baseline": "aug", "smallest_effect": 1.0, "must": Verdict.HELPS}
    assert control_first([compare(noise, base, **more)]) == (
        "This study could not have seen an effect: more_real must be seen to help against aug, and is not "
        "(0.00 [−0.34, 0.34])."
    )
    assert control_first([compare([value + 5 + 0.1 * (-1) ** i for i, value in enumerate(base)], base, **more)]) == ""


def test_verdicts_and_needs_as_the_table_shows_them() -> None:
    base = [90.0, 91.0, 92.0, 93.0, 94.0, 95.0]
    none = compare(
        [value + 0.3 * (-1) ** i for i, value in enumerate(base)], base, arm="a", baseline="b", smallest_effect=1.5
    )
    noisy = compare(
        [value + 3 * (-1) ** i for i, value in enumerate(base)], base, arm="c", baseline="b", smallest_effect=1.5
    )
    table = comparison_table([none, noisy], title="t", unit="points", metric="accuracy", where="")
    assert table.columns[-2:] == ("needed", "verdict")
    assert [row[-2:] for row in table.rows] == [
        ("–", ""), ("–", "NO DIFFERENCE LARGER THAN 1.5"), (f"{noisy.needed:.0f}", "OPEN"),
    ]  # fmt: skip


def test_what_deciding_the_open_rows_would_cost_is_told_where_they_are_many() -> None:
    """Differences of mean 0.5 and deviation 1 are open at X = 1; 3 +- 0.1 helps."""
    noise = [-1.2, 1.3, -0.9, 0.8, -0.6, 0.6]
    base = [90.0] * 6
    unclear = compare([90.5 + each for each in noise], base, arm="a", baseline="b", smallest_effect=1.0)
    clear = compare([93 + 0.1 * each for each in noise], base, arm="c", baseline="b", smallest_effect=1.0)
    assert (unclear.verdict, clear.verdict) == (Verdict.OPEN, Verdict.HELPS)
    said = open_cost([unclear, clear], replicates=6, seconds=600)
    count = round(unclear.needed)
    assert count > 6
    minutes = -(-10 * (count - 6) // 6)
    assert said == (
        f"1 of 2 comparisons are open; half of them would probably be decided by {count} replicates, which take {minutes} "
        "minutes of runs more (one worker)."
    )
    assert open_cost([unclear, clear, clear], replicates=6, seconds=600) == ""  # no more than a third
    assert open_cost([unclear], replicates=4, seconds=600) == ""
    assert "would probably not decide" in open_cost([replace(unclear, needed=math.inf)], replicates=6, seconds=600)
