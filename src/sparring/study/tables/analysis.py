"""What a study says in the end: a question, an answer, and the tables, plots and pictures behind it. All plain values."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sparring.study.stats.verdict import Comparison, Verdict

DASH = "–"
MARKS = "¹²³⁴⁵⁶⁷⁸⁹"  # of remarks below a table; any more are marked by the last one


@dataclass(frozen=True)
class Table:
    """Rows of text. The first column names the row; `note` stands below."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


@dataclass(frozen=True)
class Line:
    """One curve, or one group of bars: y over x, with an interval low to high at each point where known (else NaN)."""

    label: str
    y: tuple[float, ...]
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()


@dataclass(frozen=True)
class Plot:
    """x holds numbers for curves, or names for bars (per-class accuracy). log_x: spread the numbers by their logarithm."""

    title: str
    x_label: str
    y_label: str
    x: tuple[float, ...] | tuple[str, ...]
    lines: tuple[Line, ...]
    log_x: bool = False
    note: str = ""


@dataclass(frozen=True)
class Picture:
    """A PNG, relative to the study's directory."""

    title: str
    path: str
    note: str = ""


@dataclass(frozen=True)
class Analysis:
    """What the report shows, in this order.

    question, answer: a sentence each, for a reader who knows nothing of the code. comparisons: the primary one first.
    verdict: of the primary comparison; None for a study that has none. limits: what the study does not show.
    pictures_title: heading of the pictures. numbers: further plain values for result.json.
    """

    question: str
    answer: str
    verdict: Verdict | None
    comparisons: Sequence[Comparison] = ()
    tables: Sequence[Table] = ()
    plots: Sequence[Plot] = ()
    pictures: Sequence[Picture] = ()
    pictures_title: str = "What the classifiers were trained on"
    limits: Sequence[str] = ()
    numbers: dict[str, Any] = field(default_factory=dict)


def comparison_table(comparisons: Sequence[Comparison], *, title: str, unit: str, metric: str, where: str) -> Table:
    """The primary table: a row per setting and arm, each baseline before the arms that are held against it.

    unit: of the values ("points"). metric: what they are ("test accuracy, %"). where: what `Comparison.where` is ("labels").
    """
    rows: list[tuple[str, ...]] = []
    shown: set[tuple[str, str]] = set()
    remarks = list(dict.fromkeys(it.note for it in comparisons if it.note))
    marks = {remark: MARKS[min(i, len(MARKS) - 1)] for i, remark in enumerate(remarks)}
    for it in comparisons:
        if (it.where, it.baseline) not in shown:
            shown.add((it.where, it.baseline))
            values = [value for value in it.baseline_values if not math.isnan(value)]
            rows.append((it.where, it.baseline, spread(values), "baseline", *[DASH] * 6, ""))
        rows.append(_row(it, marks.get(it.note, "")))
    head = (where, "arm", metric, f"difference ({unit})", "95 % t", "95 % BCa", "p", "p (Holm)", "wins", "detectable")
    columns = (*head, "verdict")
    first = 0 if any(row[0] for row in rows) else 1
    return Table(
        title=title, columns=columns[first:], rows=tuple(row[first:] for row in rows),
        note=(
            "Mean ± standard deviation over replicates. The difference is paired: in one replicate both arms share label subset, "
            "seeds and test images. p: exact sign-flip test, two-sided. p (Holm): t test, corrected over all rows but the "
            f"primary one (*). Detectable: the difference in {unit} that this many replicates find in 80 % of studies, after "
            "that correction."
            + "".join(f" {mark} {remark[0].upper()}{remark[1:]}." for remark, mark in marks.items())
        ),
    )  # fmt: skip


def _row(it: Comparison, mark: str) -> tuple[str, ...]:
    values = [value for value in it.values if not math.isnan(value)]
    return (
        it.where, f"{it.arm} *" if it.primary else it.arm, spread(values), signed(it.delta),
        interval(it.t.low, it.t.high), interval(it.bca.low, it.bca.high), p_value(it.p), p_value(it.p_holm),
        f"{it.wins}/{it.n}", number(it.detectable), it.verdict.value + mark,
    )  # fmt: skip


def answer(it: Comparison, *, what: str, baseline: str, unit: str, replicates: int) -> str:
    """The verdict of a comparison in one sentence. what, baseline: the two arms in words ("adding GAN images to ...")."""
    place = f" at {it.where}" if it.where else ""
    measured = f"{signed(it.delta)} {unit} [{number(it.t.low)}, {number(it.t.high)}]"
    over = f"over {it.n} paired replicates"
    if it.n < replicates:
        over += f" ({replicates - it.n} of {replicates} failed)"
    versus = f"against {baseline}{place}"
    doubt = f"; but {it.note}" if it.note else ""
    match it.verdict:
        case Verdict.HELPS:
            return f"Yes: {what} helps {versus}, by {measured} {over}{doubt}."
        case Verdict.HURTS:
            return f"No: {what} hurts {versus}, by {measured} {over}{doubt}."
        case Verdict.NO_EVIDENCE:
            return (
                f"No evidence that {what} helps or hurts {versus}: {measured} {over}, although a difference of "
                f"{number(it.detectable)} {unit} would probably have been seen."
            )
    if math.isnan(it.t.low):
        return f"The study cannot tell whether {what} helps or hurts {versus}: {it.note}."
    seen = f"only a difference of about {number(it.detectable)} {unit} or more would have been seen"
    why = it.note if it.n < 6 else f"{seen}, and {number(it.smallest_effect)} would already matter"
    return f"The study cannot tell whether {what} helps or hurts {versus}: {measured} {over}; {why}."


def told_clear(others: Sequence[Comparison]) -> str:
    """Which of the comparisons beside the primary one show a difference, in one sentence; empty where there are none."""
    if not others:
        return ""
    clear = [it for it in others if it.verdict in (Verdict.HELPS, Verdict.HURTS)]
    told = []
    for it in clear:
        place, doubt = f" at {it.where}" if it.where else "", ", see its remark" if it.note else ""
        told.append(f"{it.arm} {it.verdict.value.lower()} against {it.baseline}{place} ({signed(it.delta)}{doubt})")
    colon = ": " if told else ""
    return f"{len(clear)} of {len(others)} other comparisons show a difference{colon}{'; '.join(told)}."


def spread(values: Sequence[float]) -> str:
    """Mean ± standard deviation; the mean alone of one value, a dash of none."""
    if not values:
        return DASH
    mean = sum(values) / len(values)
    if len(values) == 1:
        return number(mean)
    sd = math.sqrt(sum((value - mean) ** 2 for value in values) / (len(values) - 1))
    return f"{number(mean)} ± {number(sd)}"


def number(value: float, digits: int = 2) -> str:
    """Rounded, with a real minus sign; a dash for what is not known."""
    if math.isnan(value):
        return DASH
    if not math.isfinite(value):
        return "∞"
    text = f"{value:.{digits}f}"
    return text.replace("-", "−") if float(text) else text.removeprefix("-")


def signed(value: float) -> str:
    """With its sign."""
    text = number(value)
    return f"+{text}" if value > 0 and float(text) else text


def interval(low: float, high: float) -> str:
    """[low, high]; a dash where there is none."""
    return DASH if math.isnan(low) else f"[{number(low)}, {number(high)}]"


def p_value(p: float) -> str:
    """Three digits; a dash where there is none."""
    return DASH if math.isnan(p) else "< 0.001" if p < 0.001 else f"{p:.3f}"
