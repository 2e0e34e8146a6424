"""Curves of many runs in one chart each, as SVG that needs no drawing library: a thousand of them are drawn in a second."""

import itertools
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from sparring.report.curves import short
from sparring.report.record import Series
from sparring.report.runs.row import RunRow

CHARTS = 6
POINTS = 40  # of a line; more are thinned out
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 460, 200, 44, 6, 8, 22
QUANTILES = (
    0.02,
    0.98,
)  # range of the y-axis where values lie FAR beyond: one run that diverged does not flatten the others
FAR = 1.0  # times that range
LOG_RATIO = 30.0  # of positive values, from which the axis is logarithmic
# What tells most, first; then what the most runs logged.
FIRST = ("quality/", "val/accuracy", "samples/diversity", "samples/agreement", "val/", "loss/")
NEVER = ("lr/", "speed/")


@dataclass(frozen=True)
class Overlay:
    """One scalar of all runs that logged it."""

    title: str
    svg: str
    note: str


@dataclass(frozen=True)
class _Axes:
    end: float
    low: float
    high: float
    log: bool

    def x(self, value: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * value / self.end

    def y(self, value: float) -> float:
        """Values outside of the range are drawn at its border."""
        low, high, value = (self._scaled(each) for each in (self.low, self.high, value))
        share = (min(max(value, low), high) - low) / (high - low)
        return HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * share

    def _scaled(self, value: float) -> float:
        return math.log(max(value, 1e-300)) if self.log else value


def overlays(rows: Sequence[RunRow], colours: Sequence[int]) -> list[Overlay]:
    """At most CHARTS charts, the most telling scalars first. A line's class and `data-run` say its colour and its run."""
    held = Counter(each.name for row in rows for each in row.series if each.values)
    names = sorted((name for name in held if not name.startswith(NEVER)), key=lambda name: (_rank(name), -held[name]))
    curves = [{each.name: each for each in row.series if each.values} for row in rows]
    end = max((each.images_seen[-1] for row in curves for each in row.values()), default=0.0) or 1.0
    return [_overlay(name, curves, colours, end) for name in names[:CHARTS]]


def _rank(name: str) -> int:
    return next((i for i, start in enumerate(FIRST) if name.startswith(start)), len(FIRST))


def _overlay(name: str, curves: Sequence[dict[str, Series]], colours: Sequence[int], end: float) -> Overlay:
    axes = _axes([value for row in curves if name in row for value in row[name].values], end)
    parts = [f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(name)} of every run" font-size="11">']
    for value in _ticks(axes):
        y = axes.y(value)
        parts.append(f'<path class="rule" d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{short([value])}</text>')
    for share, anchor in ((0.0, "start"), (0.5, "middle"), (1.0, "end")):
        label = short([share * end]) + (" images seen" if share == 0.5 else "")
        parts.append(f'<text x="{axes.x(share * end):.0f}" y="{HEIGHT - 6}" text-anchor="{anchor}">{label}</text>')
    for i, row in enumerate(curves):
        if name in row:
            parts.append(f'<path class="l c{colours[i]}" data-run="{i}" d="{_path(row[name], axes)}"/>')
    beyond = sum(not axes.low <= value <= axes.high for row in curves if name in row for value in row[name].values)
    notes = [f"{beyond} values lie beyond the axis and are drawn at its border"] if beyond else []
    if lost := sum(row[name].not_finite for row in curves if name in row):
        notes.append(f"{lost} values were NaN or infinite and are not drawn")
    return Overlay(name, "".join(parts) + "</svg>", f"{'; '.join(notes)}." if notes else "")


def _axes(values: Sequence[float], end: float) -> _Axes:
    """From the lowest to the highest value, without those that lie far beyond the others."""
    ordered = sorted(values)
    low, high = (ordered[round(q * (len(ordered) - 1))] for q in QUANTILES)
    reach = FAR * (high - low) or math.inf
    low, high = (low if ordered[0] < low - reach else ordered[0]), (high if ordered[-1] > high + reach else ordered[-1])
    if high <= low:
        low, high = low - 0.5, low + 0.5
    return _Axes(end, low, high, log=low > 0 and high / low > LOG_RATIO)


def _ticks(axes: _Axes) -> list[float]:
    middle = math.sqrt(axes.low * axes.high) if axes.log else (axes.low + axes.high) / 2
    return [axes.low, middle, axes.high]


def _path(series: Series, axes: _Axes) -> str:
    """Of a single value a dot, which a round cap makes of a line without length."""
    points = [f"{axes.x(x):.0f} {axes.y(y):.1f}" for x, y in _thinned(series)]
    return f"M{points[0]}h0" if len(points) == 1 else f"M{'L'.join(points)}"


def _thinned(series: Series) -> Iterator[tuple[float, float]]:
    """Means of at most POINTS groups of neighbours."""
    count = len(series.values)
    groups = min(count, POINTS)
    edges = [round(i * count / groups) for i in range(groups + 1)]
    for start, stop in itertools.pairwise(edges):
        yield (
            sum(series.images_seen[start:stop]) / (stop - start),
            sum(series.values[start:stop]) / (stop - start),
        )
