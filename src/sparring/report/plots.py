"""Plots of a study as inline SVG: curves with intervals over numbers, bars with intervals over names."""

import io
import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from sparring.report.curves import COLOURS, INK, Curve, Panel, placeholder, short, themed

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.container import ErrorbarContainer
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

WIDTH, HEIGHT = 9.6, 3.5  # inches; the page scales it
PALETTE = ("#2a63d4", "#d9600f", "#14866d", "#8a4fc7", "#b0892a", "#5c6670")  # --line-1 ... of page.css
MARKERS = "osD^v"  # so that lines can be distinguished without colour


def panel(plot: Mapping[str, Any]) -> Panel:
    """A plot as inline SVG with its legend.

    Args:
        plot: a `sparring.study.tables.analysis.Plot` as in result.json: title, x_label, y_label, x, lines, log_x, note.
    """
    plot = {**plot, "lines": [each for each in plot["lines"] if each["y"]]}  # an arm all of whose cells failed has none
    curves = not any(isinstance(value, str) for value in plot["x"])
    lines = [
        Curve(
            each["label"] + (" (dashed)" if curves and i >= COLOURS else ""),
            f"var(--line-{i % COLOURS + 1})",
            _last(plot, each) if curves else "",
        )
        for i, each in enumerate(plot["lines"])
    ]
    return Panel(plot["title"], themed(_svg(plot), plot["title"]), lines, plot["note"])


def pixels(plot: Mapping[str, Any]) -> "NDArray[np.uint8]":
    """(H, W, 3) picture of a plot, its legend inside, for places that take no SVG."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    figure = _figure(plot, paint=lambda i: PALETTE[i % COLOURS])
    canvas = FigureCanvasAgg(figure)
    if len(plot["lines"]) > 1:
        figure.axes[0].legend(fontsize=8, frameon=False)
    figure.axes[0].set_title(plot["title"])
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def _last(plot: Mapping[str, Any], line: Mapping[str, Any]) -> str:
    """The curve's last value, for the legend."""
    last = _finite(line["y"])[-1:]
    return f"{last[0]:.1f}" if last and plot["y_label"].endswith("%") else short(last)


def _svg(plot: Mapping[str, Any]) -> str:
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    figure, text = _figure(plot, paint=placeholder), io.StringIO()
    FigureCanvasSVG(figure)
    with _style(plot):
        figure.savefig(text, format="svg", transparent=True, metadata={"Date": None})
    return text.getvalue()


def _style(plot: Mapping[str, Any]) -> Any:
    import matplotlib

    style: Any = {"svg.fonttype": "none", "svg.hashsalt": plot["title"], "font.size": 8.5, "font.family": "DejaVu Sans"}
    return matplotlib.rc_context(style)


def _figure(plot: Mapping[str, Any], *, paint: Callable[[int], str]) -> "Figure":
    """paint: number of a line -> its colour."""
    from matplotlib.figure import Figure

    with _style(plot):
        figure = Figure(figsize=(WIDTH, HEIGHT), layout="constrained")
        axes = figure.subplots()
        names = [value for value in plot["x"] if isinstance(value, str)]
        if names:
            _bars(axes, names, plot["lines"], paint)
        else:
            _curves(axes, plot["x"], plot["lines"], paint, log_x=plot["log_x"])
        _style_axes(axes, plot["x_label"], plot["y_label"])
        if plot["y_label"].endswith("%"):
            _limit_to_percent(axes, plot["lines"])
    return figure


def _curves(
    axes: "Axes", x: Sequence[float], lines: Sequence[Mapping[str, Any]], paint: Callable[[int], str], *, log_x: bool
) -> None:
    if log_x:
        axes.set_xscale("log")
    position = np.asarray(x, float)
    for i, line in enumerate(lines):
        # side by side, so that intervals of several arms at one position do not overlap
        shift = (i - (len(lines) - 1) / 2) * 0.012
        x_shifted = position * (1 + shift) if log_x else position + shift * max(np.ptp(position), 1e-9)
        y, errors = _array(line["y"]), _error_bars(line)
        defined = np.isfinite(y)  # a curve joins the points that it has
        container = axes.errorbar(
            x_shifted[defined], y[defined], yerr=None if errors is None else errors[:, defined], color=paint(i),
            label=line["label"], linewidth=1.4, elinewidth=1.0, capsize=2.0,
            marker=MARKERS[i % len(MARKERS)], markersize=4, linestyle="-" if i < COLOURS else "--",
        )  # fmt: skip
        _soften(container)
    if len(position) <= 12:
        labelled = _spaced(np.log(position) if log_x else position)
        axes.set_xticks(position[labelled], [short([value]) for value in position[labelled]])
        axes.minorticks_off()


def _spaced(position: np.ndarray) -> list[int]:
    """Indices of the positions that get a tick label: both ends, and those between that leave room for one."""
    room = 0.045 * max(float(np.ptp(position)), 1e-9)
    order = np.argsort(position).tolist()
    chosen = [order[-1], *order[:1]]
    for i in order[1:-1]:
        if all(abs(position[i] - position[j]) > room for j in chosen):
            chosen.append(i)
    return sorted(set(chosen))


def _bars(axes: "Axes", names: Sequence[str], lines: Sequence[Mapping[str, Any]], paint: Callable[[int], str]) -> None:
    """Bars from 0; points instead where all values are so close to each other that the axis begins above 0."""
    bottom = _bottom(lines)
    points = bool(bottom)
    width = (0.5 if points else 0.8) / max(1, len(lines))
    for i, line in enumerate(lines):
        x = np.arange(len(names)) + (i - (len(lines) - 1) / 2) * width
        y, errors = _array(line["y"]), _error_bars(line)
        if not points:
            axes.bar(x, y, width * 0.9, color=paint(i), alpha=0.75, label=line["label"])
            container = axes.errorbar(x, y, yerr=errors, fmt="none", ecolor=INK, elinewidth=0.9)
        else:
            container = axes.errorbar(
                x, y, yerr=errors, color=paint(i), label=line["label"], elinewidth=1.2, capsize=2.0,
                linestyle="none", marker=MARKERS[i % len(MARKERS)], markersize=5,
            )  # fmt: skip
        _soften(container)
    axes.set_xticks(range(len(names)), names, rotation=30 if max(map(len, names)) > 6 else 0)
    axes.set_ylim(bottom=bottom)


def _bottom(lines: Sequence[Mapping[str, Any]]) -> float | None:
    """Lower end of the axis of named values: 0 if they span more than half of the largest; None (automatic) below 0."""
    values = np.concatenate([_array(line["y"]) for line in lines])
    if not np.isfinite(values).any() or np.nanmin(values) < 0:
        return None
    lows = np.concatenate([_array(line["low"]) for line in lines if line["low"]] or [values])
    lowest, top = float(np.nanmin(np.concatenate([values, lows]))), float(np.nanmax(values))
    return 0.0 if lowest <= 0.5 * top else lowest - 0.25 * (top - lowest) - 1e-9


def _limit_to_percent(axes: "Axes", lines: Sequence[Mapping[str, Any]]) -> None:
    """A share is between 0 and 100 %: no tick outside of them, and an interval that extends further is cut there."""
    values = [value for line in lines for value in _finite(line["y"])]
    if values and max(values) <= 100 < axes.get_ylim()[1]:
        axes.set_ylim(top=100.0)
    if values and axes.get_ylim()[0] < 0 <= min(values):
        axes.set_ylim(bottom=0.0)


def _error_bars(line: Mapping[str, Any]) -> np.ndarray | None:
    """(2, n) distances down and up to the interval's ends; None without an interval."""
    if not line["low"]:
        return None
    y = _array(line["y"])
    return np.nan_to_num(np.clip(np.stack([y - _array(line["low"]), _array(line["high"]) - y]), 0, None))


def _soften(container: "ErrorbarContainer") -> None:
    """Intervals lighter than points; a point on the edge of the plot is drawn completely."""
    if container.lines[0] is not None:
        container.lines[0].set_clip_on(False)
    for part in (*container.lines[1], *container.lines[2]):
        part.set_alpha(0.55)


def _style_axes(axes: "Axes", x_label: str, y_label: str) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axes.set_xlabel(x_label, color=INK)
    axes.set_ylabel(y_label, color=INK)
    axes.yaxis.set_major_locator(MaxNLocator(5))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: short([value])))
    axes.tick_params(colors=INK, length=0, pad=4)
    axes.grid(axis="y", color=INK, alpha=0.12, linewidth=0.8)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(INK)
    axes.spines["bottom"].set_alpha(0.35)


def _array(values: Sequence[float | None]) -> np.ndarray:
    """NaN for the null that JSON has instead."""
    return np.array([math.nan if value is None else value for value in values], float)


def _finite(values: Sequence[float | None]) -> list[float]:
    return [value for value in values if value is not None and math.isfinite(value)]
