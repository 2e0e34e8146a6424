"""Heat maps and small multiples over a grid of settings, for a study's page: coloured tables and small SVG charts."""

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from sparring.report.curves import COLOURS, short
from sparring.report.pictures import data_uri

WIDTH, HEIGHT = 150, 54  # of a small chart
PICTURE_BYTES = 40_000  # each, before base64
STRONGEST = 38  # % of colour in the page's background: text on it keeps a contrast of 4.5, light and dark
QUANTILES = (0.02, 0.98)  # range of a small chart's y-axis: one early outlier does not flatten all others


def heat_map(record: Mapping[str, Any]) -> dict[str, Any]:
    """A heat map for the template.

    Args:
        record: a `HeatMap` of a study as in result.json; null where it held NaN.
    """
    scale = math.log if record["ratios"] else float
    values = [
        [None if v is None or (record["ratios"] and v <= 0) else scale(v) for v in row] for row in record["values"]
    ]
    known = [v for row in values for v in row if v is not None]
    low, high = (0.0, 1.0) if record["good"] == "warn" else (min(known, default=0.0), max(known, default=0.0))
    colour = "var(--bad)" if record["good"] == "warn" else "var(--good)"

    def background(value: float | None) -> str:
        if value is None:
            return "transparent"
        share = (value - low) / (high - low) if high > low else 0.0
        strength = STRONGEST * (1 - share if record["good"] == "low" else share)
        return f"color-mix(in srgb, {colour} {strength:.0f}%, transparent)"

    cells = [
        [
            {"text": text, "background": background(value), "marked": _marked(record["grid"], i, j)}
            for j, (text, value) in enumerate(zip(texts, row, strict=True))
        ]
        for i, (texts, row) in enumerate(zip(record["texts"], values, strict=True))
    ]
    return {"title": record["title"], "grid": record["grid"], "cells": cells, "note": record["note"]}


def multiples(record: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Small multiples for the template.

    Args:
        record: `Multiples` of a study as in result.json.
        folder: of the study, where the pictures are.
    """
    everything = [curve for row in record["cells"] for cell in row for curve in cell["curves"]]
    groups = list(dict.fromkeys(curve["group"] for curve in everything))
    names = {group: list(dict.fromkeys(c["name"] for c in everything if c["group"] == group)) for group in groups}
    end = max((x for curve in everything for x in curve["x"]), default=1.0)
    ranges = {group: _range([y for c in everything if c["group"] == group for y in c["y"]]) for group in groups}
    cells = [
        [
            {
                **{key: cell[key] for key in ("state", "good", "text")},
                "marked": _marked(record["grid"], i, j),
                "charts": [
                    _chart([c for c in cell["curves"] if c["group"] == group], names[group], end, ranges[group], group)
                    for group in groups
                ],
                "picture": data_uri(folder / cell["picture"], most_bytes=PICTURE_BYTES) if cell["picture"] else None,
            }
            for j, cell in enumerate(row)
        ]
        for i, row in enumerate(record["cells"])
    ]
    legend = [
        (f"{group}: {name}" if name != group else name, _colour(k))
        for group in groups
        for k, name in enumerate(names[group])
    ]
    return {"title": record["title"], "grid": record["grid"], "cells": cells, "note": record["note"], "legend": legend}


def _chart(
    curves: Sequence[Mapping[str, Any]], names: Sequence[str], end: float, limits: tuple[float, float], label: str
) -> str:
    """An SVG of curves whose colours are the page's; what leaves the range is drawn at its border."""
    low, high = limits
    parts = [f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{label}" font-size="8">']
    for value, y in ((high, 8), (low, HEIGHT - 2)):
        parts.append(f'<text x="1" y="{y}" fill="currentColor" fill-opacity="0.6">{short([value])}</text>')
    for curve in curves:
        points = " ".join(
            f"{28 + (WIDTH - 32) * x / end:.1f},{HEIGHT - 4 - (HEIGHT - 8) * (min(max(y, low), high) - low) / (high - low):.1f}"
            for x, y in _finite(curve)
        )
        colour = _colour(names.index(curve["name"]))
        parts.append(
            f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.3" stroke-opacity="0.8"/>'
        )
    return "".join(parts) + "</svg>"


def _finite(curve: Mapping[str, Any]) -> Iterator[tuple[float, float]]:
    return ((x, y) for x, y in zip(curve["x"], curve["y"], strict=True) if y is not None)


def _range(values: Sequence[float | None]) -> tuple[float, float]:
    """Of a chart's y-axis: the values without the most extreme ones."""
    ordered = sorted(value for value in values if value is not None)
    if not ordered:
        return 0.0, 1.0
    low, high = (ordered[round(q * (len(ordered) - 1))] for q in QUANTILES)
    return (low, high) if high > low else (low - 0.5, low + 0.5)


def _colour(k: int) -> str:
    return f"var(--line-{k % COLOURS + 1})"


def _marked(grid: Mapping[str, Any], row: int, column: int) -> bool:
    return grid["marked"] is not None and list(grid["marked"]) == [row, column]


def markdown_rows(record: Mapping[str, Any]) -> tuple[list[str], list[list[str]]]:
    """(head, rows) of a heat map as a table of text; the recommended setting in bold."""
    grid = record["grid"]
    head = [
        f"{grid['row_label']} \\ {grid['column_label']}" if grid["row_label"] else grid["column_label"],
        *grid["columns"],
    ]
    rows = []
    for i, (name, texts) in enumerate(zip(grid["rows"], record["texts"], strict=True)):
        rows.append([name, *(f"**{text}**" if _marked(grid, i, j) else text for j, text in enumerate(texts))])
    return head, rows
