"""What a study reports: a question, a conclusion, and the tables, plots and pictures behind it. All plain values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sparring.study.stats.verdict import Comparison, Verdict
from sparring.study.tables.grids import HeatMap, Multiples, Text


@dataclass(frozen=True)
class Table:
    """Rows of text. The first column names the row; `note` is shown below."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


@dataclass(frozen=True)
class Line:
    """One curve, or one group of bars: y over x, with an interval low to high at each point, NaN where undefined."""

    label: str
    y: tuple[float, ...]
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()


@dataclass(frozen=True)
class Plot:
    """x holds numbers for curves, or names for bars (accuracy by class). log_x: a logarithmic x-axis."""

    title: str
    x_label: str
    y_label: str
    x: tuple[float, ...] | tuple[str, ...]
    lines: tuple[Line, ...]
    log_x: bool = False
    note: str = ""


@dataclass(frozen=True)
class Picture:
    """A PNG file; `path` is relative to the study's directory."""

    title: str
    path: str
    note: str = ""


@dataclass(frozen=True)
class Analysis:
    """What the report shows, in this order.

    Args:
        question: one sentence, for a reader who does not know the code.
        conclusion: its answer in a few sentences.
        verdict: of the primary comparison; None for a study that has none.
        comparisons: the primary one first.
        tables: the first one is shown above the plots.
        plots: curves and bars.
        pictures: PNG files of the study's directory.
        pictures_title: heading of the pictures.
        limits: what the study does not show.
        numbers: further plain values for result.json.
        heat_maps: values over a grid of settings, below the plots.
        multiples: charts and pictures over such a grid.
        texts: what to type or to save, with the files that the study writes.
    """

    question: str
    conclusion: str
    verdict: Verdict | None
    comparisons: Sequence[Comparison] = ()
    tables: Sequence[Table] = ()
    plots: Sequence[Plot] = ()
    pictures: Sequence[Picture] = ()
    pictures_title: str = "Training images of the classifiers"
    limits: Sequence[str] = ()
    numbers: dict[str, Any] = field(default_factory=dict)
    heat_maps: Sequence[HeatMap] = ()
    multiples: Multiples | None = None
    texts: Sequence[Text] = ()


def arms_table(
    descriptions: Mapping[str, str],
    arms: Sequence[str],
    *,
    title: str = "The arms",
    columns: tuple[str, str] = ("arm", "training data of its classifier"),
) -> Table:
    """A row per arm with its description."""
    return Table(title, columns, tuple((arm, descriptions[arm]) for arm in arms))
