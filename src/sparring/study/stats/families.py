"""Several comparisons of one study judged together: which are corrected with which, and how.

The primary question is tested at the full level. Its other settings (the same arm, baseline and measure) follow in the order
given, each at the full level as long as all before it were significant (fixed sequence: Maurer, Hothorn and Lehmacher 1995).
Everything else is in families by question, with Holm's (1979) correction within each: for each measure the further comparisons
of the primary arm (its controls), and the other arms against each baseline. A positive control is a family of its own.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from sparring.study.stats import statistics
from sparring.study.stats.verdict import MIN_REPLICATES, Comparison, Verdict, with_verdict

PRIMARY, SEQUENCE, CONTROL = "the primary question", "the primary question in its other settings", "a positive control"
Correction = Callable[[Sequence[float]], list[float]]


def judged(comparisons: Sequence[Comparison]) -> list[Comparison]:
    """The same comparisons, in the same order, with family, corrected p-values and the verdicts that follow.

    Where a positive control does not show what it must, the study could not have seen an effect: the primary comparison is then
    not NO DIFFERENCE but OPEN.
    """
    primary = next((each for each in comparisons if each.primary), None)
    families = [_family(each, primary) for each in comparisons]
    result = list(comparisons)
    for family in dict.fromkeys(families):
        members = [i for i, name in enumerate(families) if name == family]
        if family == SEQUENCE:
            assert primary is not None
            members = [comparisons.index(primary), *members]
        correct: Correction = fixed_sequence if family == SEQUENCE else statistics.holm
        different = correct([comparisons[i].p_difference for i in members])
        equivalent = correct([comparisons[i].p_equivalence for i in members])
        for i, p_difference, p_equivalence in zip(members, different, equivalent, strict=True):
            if families[i] != family:
                continue
            result[i] = with_verdict(
                replace(
                    comparisons[i],
                    family=family,
                    p_difference_corrected=p_difference,
                    p_equivalence_corrected=p_equivalence,
                )
            )
    return [_without_control(each, result) for each in result]


def failed_controls(comparisons: Sequence[Comparison]) -> list[Comparison]:
    """Positive controls that do not show what they must, of those with enough replicates to show anything."""
    enough = [each for each in comparisons if each.must is not None and each.n >= MIN_REPLICATES]
    return [each for each in enough if each.verdict is not each.must]


def fixed_sequence(p: Sequence[float]) -> list[float]:
    """Adjusted p-values of a fixed sequence: the largest so far. One that is NaN makes all after it NaN."""
    adjusted: list[float] = []
    for value in p:
        before = adjusted[-1] if adjusted else 0.0
        adjusted.append(value if value != value or before != before else max(before, value))
        if before != before:
            adjusted[-1] = before
    return adjusted


def _family(each: Comparison, primary: Comparison | None) -> str:
    if each.primary:
        return PRIMARY
    if each.must is not None:
        return f"{CONTROL}: {each.arm} against {each.baseline}"
    if primary is None:
        return f"{each.measure}, every arm against {each.baseline}"
    if each.measure == primary.measure and each.arm == primary.arm:
        return SEQUENCE if each.baseline == primary.baseline else f"{each.measure}, {each.arm} against its controls"
    return f"{each.measure}, other arms against {each.baseline}"


def _without_control(each: Comparison, comparisons: Sequence[Comparison]) -> Comparison:
    if not each.primary or each.verdict is not Verdict.NO_DIFFERENCE or not failed_controls(comparisons):
        return each
    return replace(
        each, verdict=Verdict.OPEN, note="the positive control failed, so that an effect would not have been seen"
    )
