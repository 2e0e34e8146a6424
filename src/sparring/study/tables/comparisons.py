"""Comparisons of arms with their baselines, as a table and in sentences."""

import math
from collections.abc import Sequence

from sparring.study.stats.families import failed_controls
from sparring.study.stats.replicates import MOST
from sparring.study.stats.verdict import DIFFERENT, MIN_REPLICATES, Comparison, Verdict
from sparring.study.tables.analysis import Table
from sparring.study.tables.text import DASH, interval_text, mean_std, p_text, signed

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
            rows.append((each.where, each.baseline, mean_std(each.baseline_values), "baseline", *[DASH] * 7, ""))
        rows.append(_row(each, marks.get(each.note, "")))
    level, none = _level_text(comparisons)
    columns = (where, "arm", metric, f"difference ({unit})", f"{level} t", "95 % BCa", "p", "p (family)", f"p (< {none})",
               "wins", "needed", "verdict")  # fmt: skip
    first = 0 if any(row[0] for row in rows) else 1
    explanation = (
        "Mean ± standard deviation over replicates. The difference is paired: in one replicate both arms share label subset, "
        "seeds and test images. p: exact sign-flip test, two-sided. p (family): t test, corrected within its family: "
        f"{_families(comparisons)}. p (< {none}): of the test that the difference is smaller than {none} {unit}, corrected "
        "likewise. Needed: replicates that would probably decide an OPEN row if the difference is as measured."
    )
    footnotes = [f"{mark} {remark[0].upper()}{remark[1:]}." for remark, mark in marks.items()]
    sentences = [explanation, *_shared_images(comparisons), *footnotes, *([note] if note else [])]
    return Table(title, columns[first:], tuple(row[first:] for row in rows), " ".join(sentences))


def _level_text(comparisons: Sequence[Comparison]) -> tuple[str, str]:
    """Level of the intervals, and the smallest effect of interest, for the heading."""
    levels = comparisons[0].levels
    level = "95 %" if levels.looks == 1 else f"{100 * (1 - levels.difference):.1f} %"
    return level, f"{comparisons[0].smallest_effect:g}"


def _families(comparisons: Sequence[Comparison]) -> str:
    """Each family and the number of its comparisons in this table."""
    names = [each.family for each in comparisons if each.family]
    return "; ".join(f"{name} ({names.count(name)})" for name in dict.fromkeys(names)) or "none"


def _shared_images(comparisons: Sequence[Comparison]) -> list[str]:
    if not any(each.shared_variance for each in comparisons):
        return []
    return [
        "The t interval also covers another draw of the images that the replicates share; the sign-flip test and BCa do not."
    ]


def _row(comparison: Comparison, mark: str) -> tuple[str, ...]:
    return (
        comparison.where,
        f"{comparison.arm} *" if comparison.primary else comparison.arm,
        mean_std(comparison.values),
        signed(comparison.delta),
        interval_text(comparison.t_interval),
        interval_text(comparison.bca_interval),
        p_text(comparison.p),
        p_text(comparison.p_difference_corrected),
        p_text(comparison.p_equivalence_corrected),
        f"{comparison.wins}/{comparison.n}",
        needed_text(comparison),
        verdict_text(comparison) + mark,
    )


def verdict_text(comparison: Comparison) -> str:
    """The verdict as a table shows it: NO DIFFERENCE with the effect that it is about."""
    larger = f" LARGER THAN {comparison.smallest_effect:g}" if comparison.verdict is Verdict.NO_DIFFERENCE else ""
    return comparison.verdict.value + larger


def needed_text(comparison: Comparison) -> str:
    """Replicates that would probably decide the comparison; a dash where it is decided or nothing is known."""
    if math.isnan(comparison.needed):
        return DASH
    return f"{comparison.needed:.0f}" if math.isfinite(comparison.needed) else f"> {MOST:,}"


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
    effect = f"{comparison.smallest_effect:g} {unit}"
    match comparison.verdict:
        case Verdict.HELPS:
            return f"Yes: {arm} helps {versus}, by {measured} {over}{remark}."
        case Verdict.HURTS:
            return f"No: {arm} hurts {versus}, by {measured} {over}{remark}."
        case Verdict.NO_DIFFERENCE:
            return f"No: {arm} makes no difference larger than {effect} {versus}: {measured} {over}{remark}."
    undecided = f"Open: the study cannot tell whether {arm} helps or hurts {versus}"
    if comparison.n < MIN_REPLICATES:
        return f"{undecided}: {comparison.note}."
    return f"{undecided}: {measured} {over}; {_open_reason(comparison, effect)}."


def _open_reason(comparison: Comparison, effect: str) -> str:
    """Why it is open and what would decide it."""
    reason = comparison.note or f"that leaves room for a difference of {effect}, which would matter"
    if not math.isfinite(comparison.needed):
        return f"{reason}, and more replicates of this size would not decide it"
    return f"{reason}; {comparison.needed:.0f} replicates would probably decide it"


def open_cost(comparisons: Sequence[Comparison], *, replicates: int, seconds: float) -> str:
    """What deciding them would take, where more than a third of the comparisons are open; empty elsewhere.

    Empty also below MIN_REPLICATES, where nothing can be decided.

    Args:
        comparisons: all of a study.
        replicates: that it has.
        seconds: of all its runs together.
    """
    still = [each for each in comparisons if each.verdict is Verdict.OPEN]
    if 3 * len(still) <= len(comparisons) or replicates < MIN_REPLICATES:
        return ""
    said = f"{len(still)} of {len(comparisons)} comparisons are open"
    needed = sorted(each.needed if math.isfinite(each.needed) else math.inf for each in still)
    half = needed[(len(needed) - 1) // 2]
    if not math.isfinite(half) or half <= replicates:
        return f"{said}; more replicates would probably not decide half of them."
    minutes = math.ceil(seconds / 60 * (half / replicates - 1))
    return (
        f"{said}; half of them would probably be decided by {half:.0f} replicates, which take {minutes:,} minutes of runs more "
        "(one worker)."
    )


def control_first(comparisons: Sequence[Comparison]) -> str:
    """That a positive control failed, in a sentence before the verdict; empty where all of them show what they must."""
    failed = failed_controls(comparisons)
    if not failed:
        return ""
    parts = [
        f"{each.arm} must be seen to {str(each.must).lower().removesuffix('s')} against {each.baseline}, and is not "
        f"({signed(each.delta)} {interval_text(each.t_interval)})"
        for each in failed
    ]
    return f"This study could not have seen an effect: {'; '.join(parts)}."


def other_differences(others: Sequence[Comparison]) -> str:
    """Which comparisons other than the primary one show a difference, in one sentence; empty where there are none."""
    if not others:
        return ""
    clear = [each for each in others if each.verdict in DIFFERENT]
    parts = []
    for each in clear:
        setting, remark = f"{each.where}: " if each.where else "", ", see its remark" if each.note else ""
        difference = f"({setting}{signed(each.delta)}{remark})"
        parts.append(f"{each.arm} {each.verdict.value.lower()} against {each.baseline} {difference}")
    colon = ": " if parts else ""
    none = sum(each.verdict is Verdict.NO_DIFFERENCE for each in others)
    open_ = len(others) - len(clear) - none
    counts = f"{none} none larger than {others[0].smallest_effect:g}, {open_} {'is' if open_ == 1 else 'are'} open"
    shown = f"{len(clear)} of {len(others)} other comparisons show a difference"
    return f"{shown}{colon}{'; '.join(parts)}; {counts}."
