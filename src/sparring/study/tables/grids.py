"""Values and small pictures over a grid of settings, and texts that a study leaves behind. All plain values."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Grid:
    """The settings that heat maps and small multiples of a study share.

    Args:
        row_label: what the rows are; empty where there is one row without a name.
        column_label: what the columns are.
        rows: settings of the rows as text.
        columns: settings of the columns as text.
        marked: (row, column) of the recommended setting.
    """

    row_label: str
    column_label: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    marked: tuple[int, int] | None


@dataclass(frozen=True)
class HeatMap:
    """A coloured table over a grid.

    Args:
        title: heading.
        grid: its rows and columns.
        values: by row and column; NaN where there is none.
        texts: what is written for each value.
        good: which end of the values is good: its colour is strongest. "warn" colours high values as bad.
        ratios: whether colours follow the logarithm of the values.
        note: below it.
    """

    title: str
    grid: Grid
    values: tuple[tuple[float, ...], ...]
    texts: tuple[tuple[str, ...], ...]
    good: Literal["low", "high", "warn"]
    ratios: bool = False
    note: str = ""


@dataclass(frozen=True)
class SmallCurve:
    """One polyline. name: its entry in the legend. group: curves of a group share the y-axis over the whole grid."""

    name: str
    group: str
    x: tuple[float, ...]
    y: tuple[float, ...]


@dataclass(frozen=True)
class SmallPicture:
    """What one setting shows.

    Args:
        state: how it ended, in a word or two.
        good: whether that is good.
        text: a line below.
        picture: PNG file, relative to the study's directory; empty: none.
        curves: small charts, one per group.
    """

    state: str
    good: bool
    text: str
    picture: str
    curves: tuple[SmallCurve, ...]


@dataclass(frozen=True)
class Multiples:
    """Small charts and pictures over a grid."""

    title: str
    grid: Grid
    cells: tuple[tuple[SmallPicture, ...], ...]
    note: str = ""


@dataclass(frozen=True)
class Text:
    """Something to copy. file: where it is also written to, relative to the study's directory; empty: nowhere."""

    title: str
    content: str
    file: str = ""
