"""Comparisons of arms with their baselines, as a table and in sentences."""

import math
from collections.abc import Sequence

from sparring.study.stats.verdict import MIN_REPLICATES, Comparison, Verdict
from sparring.study.tables.analysis import Table
from sparring.study.tables.text import DASH, interval_text, mean_std, number, p_text, signed

_MARKS = "¹²³⁴⁵⁶⁷⁸⁹"  # of remarks below a table; any more are marked by the last one


def primary_first(comparisons: Sequence[Comparison]) -> list[Comparison]:
    """The primary comparison, then the others in the order given."""
    return sorted(comparisons, key=lambda each: not each.primary)


def comparison_table(
    comparisons: Sequence[Comparison], *, title: str, unit: str, metric: str, where: str, note: str = ""
) -> Table:
    """A row per comparison, each baseline before the arms that are compared with it.

    Args:
        comparisons: in the order of the rows.
        title: heading of the table.
        unit: of the differences ("points").
        metric: what the values are ("test accuracy, %").
        where: heading of the column of `Comparison.where` ("setting"), which is left out where it is empty in all rows.
        note: a sentence to follow the explanation of the columns.
    """
    rows: list[tuple[str, ...]] = []
    baselines: set[tuple[str, str]] = set()
    remarks = list(dict.fromkeys(each.note for each in comparisons if each.note))
    marks = {remark: _MARKS[min(i, len(_MARKS) - 1)] for i, remark in enumerate(remarks)}
    for each in comparisons:
        if (each.where, each.baseline) not in baselines:
            baselines.add((each.where, each.baseline))
            rows.append((each.where, each.baseline, mean_std(each.baseline_values), "baseline", *[DASH] * 6, ""))
        rows.append(_row(each, marks.get(each.note, "")))
    columns = (where, "arm", metric, f"difference ({unit})", "95 % t", "95 % BCa", "p", "p (Holm)", "wins", "detectable",
               "verdict")  # fmt: skip
    first = 0 if any(row[0] for row in rows) else 1
    explanation = (
        "Mean ± standard deviation over replicates. The difference is paired: in one replicate both arms share label subset, "
        "seeds and test images. p: exact sign-flip test, two-sided. p (Holm): t test, corrected over all rows but the primary "
        f"one (*). Detectable: the difference in {unit} that this many replicates detect in 80 % of studies, after that "
        "correction."
    )
    footnotes = [f"{mark} {remark[0].upper()}{remark[1:]}." for remark, mark in marks.items()]
    sentences = [explanation, *footnotes, *([note] if note else [])]
    return Table(title, columns[first:], tuple(row[first:] for row in rows), " ".join(sentences))


def _row(comparison: Comparison, mark: str) -> tuple[str, ...]:
    return (
        comparison.where,
        f"{comparison.arm} *" if comparison.primary else comparison.arm,
        mean_std(comparison.values),
        signed(comparison.delta),
        interval_text(comparison.t_interval),
        interval_text(comparison.bca_interval),
        p_text(comparison.p),
        p_text(comparison.p_holm),
        f"{comparison.wins}/{comparison.n}",
        number(comparison.detectable),
        comparison.verdict.value + mark,
    )


def conclusion(comparison: Comparison, *, arm: str, baseline: str, unit: str, replicates: int) -> str:
    """The verdict of a comparison in one sentence.

    Args:
        comparison: the primary one.
        arm: what the arm does, in words ("adding the GAN's images").
        baseline: the baseline, in words ("classic augmentation alone").
        unit: of the difference ("points").
        replicates: as planned, to say how many of them failed.
    """
    setting = f" at {comparison.where}" if comparison.where else ""
    measured = f"{signed(comparison.delta)} {unit} {interval_text(comparison.t_interval)}"
    over = f"over {comparison.n} paired replicates"
    if comparison.n < replicates:
        over += f" ({replicates - comparison.n} of {replicates} failed)"
    versus = f"against {baseline}{setting}"
    remark = f"; but {comparison.note}" if comparison.note else ""
    detectable = number(comparison.detectable)
    match comparison.verdict:
        case Verdict.HELPS:
            return f"Yes: {arm} helps {versus}, by {measured} {over}{remark}."
        case Verdict.HURTS:
            return f"No: {arm} hurts {versus}, by {measured} {over}{remark}."
        case Verdict.NO_EVIDENCE:
            return (
                f"No evidence that {arm} helps or hurts {versus}: {measured} {over}, although a difference of "
                f"{detectable} {unit} would probably have been detected."
            )
    undecided = f"The study cannot tell whether {arm} helps or hurts {versus}:"
    if math.isnan(comparison.t_interval.low):
        return f"{undecided} {comparison.note}."
    reason = comparison.note
    if comparison.n >= MIN_REPLICATES:
        reason = (
            f"only a difference of about {detectable} {unit} or more would probably have been detected, and "
            f"{number(comparison.smallest_effect)} would already matter"
        )
    return f"{undecided} {measured} {over}; {reason}."


def other_differences(others: Sequence[Comparison]) -> str:
    """Which comparisons other than the primary one show a difference, in one sentence; empty where there are none."""
    if not others:
        return ""
    clear = [each for each in others if each.verdict in (Verdict.HELPS, Verdict.HURTS)]
    parts = []
    for each in clear:
        setting, remark = f"{each.where}: " if each.where else "", ", see its remark" if each.note else ""
        difference = f"({setting}{signed(each.delta)}{remark})"
        parts.append(f"{each.arm} {each.verdict.value.lower()} against {each.baseline} {difference}")
    colon = ": " if parts else ""
    return f"{len(clear)} of {len(others)} other comparisons show a difference{colon}{'; '.join(parts)}."
