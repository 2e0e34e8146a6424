"""Sentences of a study's conclusion."""

from sparring.study.stats.verdict import compare
from sparring.study.tables.comparisons import other_differences


def test_only_clear_differences_are_listed() -> None:
    base = [90.0, 91.0, 92.0, 93.0, 94.0, 95.0]
    far = [value + 5 + 0.1 * (-1) ** i for i, value in enumerate(base)]
    noise = [value + 3 * (-1) ** i for i, value in enumerate(base)]
    better = compare(far, base, arm="more", baseline="aug", smallest_effect=1.0, where="5 labels")
    worse = compare(base, far, arm="less", baseline="aug", smallest_effect=1.0)
    unclear = compare(noise, base, arm="same", baseline="aug", smallest_effect=1.0)
    assert other_differences([better, unclear, worse]) == (
        "2 of 3 other comparisons show a difference: more helps against aug (5 labels: +5.00); "
        "less hurts against aug (−5.00)."
    )
    assert other_differences([unclear]) == "0 of 1 other comparisons show a difference."
    assert other_differences([]) == ""
