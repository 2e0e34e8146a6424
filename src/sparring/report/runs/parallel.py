"""Choices and results of many runs as parallel coordinates (Inselberg 1985): an axis each, a line per run."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from sparring.report.curves import short
from sparring.report.runs.row import RunRow
from sparring.report.runs.table import value_of

CHOICES, METRICS = 6, 3  # axes at most
STEP, HEIGHT, TOP, BOTTOM, SIDE = 150, 270, 42, 14, 70
LABELS = 10  # values of a choice that are written at its axis
LETTERS = 20  # of a label
LOG_RATIO = 30.0


@dataclass(frozen=True)
class Axis:
    """title: above it. places: of each run in 0..1 from the bottom; None where it has no value. ticks: (place, text)."""

    title: str
    places: list[float | None]
    ticks: list[tuple[float, str]]


def parallel(
    rows: Sequence[RunRow], keys: Sequence[str], metrics: Mapping[str, bool], colours: Sequence[int]
) -> str | None:
    """An SVG; None where fewer than two runs have something to compare on two axes.

    Args:
        keys: choices that differ.
        metrics: name -> whether lower is better, which then lies at the top: on each of these axes up is good.
    """
    axes = [_choice(key, [row.overrides.get(key) for row in rows]) for key in keys[:CHOICES]]
    for name, lower in list(metrics.items())[:METRICS]:
        values = [value_of(row, name) for row in rows]
        if any(value is not None for value in values):
            axes.append(_numbers(name, values, reverse=lower))
    drawn = [i for i in range(len(rows)) if sum(axis.places[i] is not None for axis in axes) >= 2]
    if len(axes) < 2 or len(drawn) < 2:
        return None
    width = 2 * SIDE + STEP * (len(axes) - 1)
    parts = [
        f'<svg viewBox="0 0 {width} {HEIGHT}" style="min-width:{width}px;max-width:{width * 3 // 2}px" role="img" '
        'aria-label="Choices and metrics of every run" font-size="11">'
    ]
    for i in drawn:
        parts.append(f'<path class="l c{colours[i]}" data-run="{i}" d="{_path([axis.places[i] for axis in axes])}"/>')
    for k, axis in enumerate(axes):
        x = SIDE + STEP * k
        parts.append(f'<path class="axis" d="M{x} {TOP}V{HEIGHT - BOTTOM}"/>')
        parts.append(f'<text class="title" x="{x}" y="14" text-anchor="middle">{escape(_cut(axis.title))}</text>')
        for place, text in axis.ticks:
            parts.append(f'<text class="tick" x="{x + 5}" y="{_y(place) + 4:.0f}">{escape(_cut(text))}</text>')
    return "".join(parts) + "</svg>"


def _choice(key: str, values: Sequence[str | None]) -> Axis:
    """On a numeric axis where all values are numbers."""
    numbers = [None if value is None else _number(value) for value in values]
    if all(number is not None for number, value in zip(numbers, values, strict=True) if value is not None):
        return _numbers(key, numbers, at_values=True)
    names = sorted({value for value in values if value is not None})
    places = {name: (i + 0.5) / len(names) for i, name in enumerate(names)}
    shown = names if len(names) <= LABELS else [names[0], names[-1]]
    ticks = [(places[name], name or "not given") for name in shown]
    return Axis(key, [None if value is None else places[value] for value in values], ticks)


def _numbers(title: str, values: Sequence[float | None], *, reverse: bool = False, at_values: bool = False) -> Axis:
    known = sorted({value for value in values if value is not None})
    log = bool(known) and known[0] > 0 and known[-1] / known[0] >= LOG_RATIO
    low, high = (_scaled(known[i], log) for i in (0, -1)) if known else (0.0, 1.0)

    def place(value: float) -> float:
        share = (_scaled(value, log) - low) / (high - low) if high > low else 0.5
        return 1 - share if reverse else share

    shown = known if at_values and len(known) <= LABELS else [*known[:1], *known[-1:]]
    ticks = [(place(value), f"{value:g}" if at_values else short([value])) for value in dict.fromkeys(shown)]
    return Axis(title, [None if value is None else place(value) for value in values], ticks)


def _scaled(value: float, log: bool) -> float:
    return math.log(value) if log else value


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _path(places: Sequence[float | None]) -> str:
    """Broken where a run has no value."""
    parts, pen = [], "M"
    for k, place in enumerate(places):
        if place is None:
            pen = "M"
        else:
            parts.append(f"{pen}{SIDE + STEP * k} {_y(place):.1f}")
            pen = "L"
    return "".join(parts)


def _y(place: float) -> float:
    return HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * place


def _cut(text: str) -> str:
    """Its end, which tells settings of one section apart."""
    return text if len(text) <= LETTERS else f"…{text[-LETTERS + 1 :]}"
