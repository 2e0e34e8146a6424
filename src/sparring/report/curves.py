"""Logged scalars as small inline SVG charts whose colours follow the page, in light and in dark."""

import io
import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from sparring.report.record import Series

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TITLES = {
    "loss": "Losses",
    "logits": "Discriminator's logits",
    "penalty": "Gradient penalties",
    "val": "Validation",
    "samples": "Samples against real images",
    "lr": "Learning rates",
    "speed": "Speed",
}
FIRST, LAST = ("loss", "logits", "penalty"), ("lr", "speed")
FROM_ZERO = ("lr", "speed")
LOGARITHMIC = ("penalty",)  # where all values are positive and span more than LOG_RANGE
COLOURS = 6  # --line-1 ... --line-6 of page.css
POINTS = 240  # per line; more are averaged, with their range as a band
LOG_RANGE = 100.0
INK = "#0a0b0c"  # a placeholder that `themed` turns into a CSS colour
SIZE = (4.6, 2.1)  # inches; scales with the page


@dataclass(frozen=True)
class Curve:
    """One entry of a panel's legend. `colour` is a CSS variable."""

    label: str
    colour: str
    last: str


@dataclass(frozen=True)
class Panel:
    """One chart: scalars that share the part of their name before the slash."""

    title: str
    svg: str
    lines: list[Curve]
    note: str


def panels(series: list[Series]) -> list[Panel]:
    """Charts over images seen: losses, logits and penalties first, learning rates and speed last."""
    groups: dict[str, list[Series]] = {}
    for each in series:
        groups.setdefault(each.name.partition("/")[0], []).append(each)
    others = [name for name in groups if name not in FIRST + LAST]
    end = max((x for each in series for x in each.images_seen), default=1.0)
    return [_panel(name, groups[name], end) for name in (*FIRST, *others, *LAST) if name in groups]


def _panel(group: str, series: list[Series], end: float) -> Panel:
    not_finite = sum(each.not_finite for each in series)
    note = f"{not_finite} values were NaN or infinite and are not drawn." if not_finite else ""
    lines = [
        Curve(_words(each.name), f"var(--line-{i % COLOURS + 1})", short(each.values[-1:]))
        for i, each in enumerate(series)
    ]
    return Panel(TITLES.get(group, group.capitalize()), _draw(group, series, end), lines, note)


def _words(name: str) -> str:
    return (name.partition("/")[2] or name).replace("_", " ")


def _draw(group: str, series: list[Series], end: float) -> str:
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    style: Any = {"svg.fonttype": "none", "svg.hashsalt": group, "font.size": 8, "font.family": "DejaVu Sans"}
    with matplotlib.rc_context(style):
        figure = Figure(figsize=SIZE, layout="constrained")
        FigureCanvasSVG(figure)
        axes = figure.subplots()
        for i, each in enumerate(series):
            _draw_line(axes, each, placeholder(i), dashed=i % 2 == 1 and group == "lr")
        _scale(axes, group, [value for each in series for value in each.values])
        _style(axes, end)
        text = io.StringIO()
        figure.savefig(text, format="svg", transparent=True, metadata={"Date": None})
    return themed(text.getvalue(), group)


def _draw_line(axes: "Axes", series: Series, colour: str, *, dashed: bool) -> None:
    if not series.values:
        return
    x, mean, low, high = binned(np.array(series.images_seen), np.array(series.values))
    marker = "o" if len(x) == 1 else None
    # two equal learning rates overlap: the second is dashed so that both are visible
    axes.plot(
        x, mean, color=colour, linewidth=1.4, marker=marker, markersize=4, linestyle=(0, (3, 3)) if dashed else "-"
    )
    if (high > low).any():
        axes.fill_between(x, low, high, color=colour, alpha=0.16, linewidth=0)


def binned(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Averages a series into at most POINTS groups of neighbours of nearly equal size.

    Args:
        x: (n,) positions in ascending order.
        y: (n,) values.

    Returns:
        Mean x, mean y, lowest y and highest y of each group.
    """
    groups = min(len(x), POINTS)
    edges = np.linspace(0, len(x), groups + 1).astype(int)
    starts, sizes = edges[:-1], np.diff(edges)
    mean_x, mean_y = np.add.reduceat(x, starts) / sizes, np.add.reduceat(y, starts) / sizes
    return mean_x, mean_y, np.minimum.reduceat(y, starts), np.maximum.reduceat(y, starts)


def _scale(axes: "Axes", group: str, values: list[float]) -> None:
    from matplotlib.ticker import LogLocator, MaxNLocator

    if group in LOGARITHMIC and values and min(values) > 0 and max(values) / min(values) > LOG_RANGE:
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(numticks=5))
        axes.yaxis.set_minor_locator(LogLocator(subs=[], numticks=5))
        return
    axes.yaxis.set_major_locator(MaxNLocator(4))
    if group in FROM_ZERO and values and min(values) >= 0:
        axes.set_ylim(0, 1.15 * max(values) or 1.0)


def _style(axes: "Axes", end: float) -> None:
    """The style of all panels: the same x-axis, horizontal rules, no frame."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: short([value])))
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: short([value])))
    axes.set_xlabel("images seen", color=INK)
    axes.tick_params(colors=INK, length=0, pad=4)
    axes.grid(axis="y", color=INK, alpha=0.12, linewidth=0.8)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(INK)
    axes.spines["bottom"].set_alpha(0.35)
    axes.set_xlim(0, end * 1.01)


def short(values: list[float]) -> str:
    """The first number in a short form: 1.2k, 0.034, 2e-5; a dash without one."""
    if not values:
        return "–"
    value = values[0]
    size = abs(value)
    if size and (size < 1e-4 or size >= 1e9):
        mantissa, exponent = f"{value:.1e}".split("e")
        text = f"{mantissa.removesuffix('.0')}e{int(exponent)}"
    elif size >= 1e3:
        unit, name = (1e6, "M") if size >= 1e6 else (1e3, "k")
        text = f"{value / unit:.3g}{name}"
    else:
        digits = max(0, 2 - math.floor(math.log10(size))) if size else 0
        text = f"{value:.{digits}f}"
        text = text.rstrip("0").rstrip(".") if "." in text else text
    return "−" + text[1:] if text.startswith("-") else text


def placeholder(i: int) -> str:
    """Colour of line i that `themed` replaces."""
    return f"#0a0b{i % COLOURS + 0x10:02x}"


def themed(svg: str, group: str) -> str:
    """The `<svg>` element alone, sized by the page, with CSS colours for the placeholders and ids that begin with `group`."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = svg.replace(INK, "currentColor")
    for i in range(COLOURS):
        svg = svg.replace(placeholder(i), f"var(--line-{i + 1})")
    prefix = re.sub(r"\W", "_", group)
    return re.sub(r'(id="|url\(#|href="#)', rf"\1{prefix}-", svg)
