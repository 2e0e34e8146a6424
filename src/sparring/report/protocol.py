"""Tables of metrics in which a column holds one protocol only."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Record = Mapping[str, Any]


@dataclass(frozen=True)
class Column:
    """Values of one protocol. title: what tells it from the others, in words. cells: by metric."""

    title: str
    cells: Mapping[str, Record]


def protocol_key(record: Record) -> str:
    """Equal for two values that may stand in one column: same features, reference, counts, samples and images."""
    return json.dumps(record["protocol"], sort_keys=True)


def columns(records: Sequence[Record]) -> list[Column]:
    """A column per protocol, in the order of their first record."""
    groups: dict[str, list[Record]] = {}
    for record in records:
        groups.setdefault(protocol_key(record), []).append(record)
    return [Column(_title(group[0]), {record["metric"]: record for record in group}) for group in groups.values()]


def metrics_of(records: Sequence[Record]) -> list[str]:
    """The metrics in their order, each once."""
    return list(dict.fromkeys(record["metric"] for record in records))


def value_text(record: Record | None) -> str:
    """Value and spread; a dash where there is none."""
    if record is None or record["value"] is None:
        return "–"
    digits = _digits(record["value"], record["spread"])
    value = f"{record['value']:.{digits}f}"
    return value if record["spread"] is None else f"{value} ± {record['spread']:.{digits}f}"


def floor_text(record: Record | None) -> str:
    """The value of real images."""
    if record is None or record["floor"] is None:
        return "–"
    return f"{record['floor']:.{_digits(record['floor'], record['spread'])}f}"


def reasons(records: Sequence[Record]) -> list[str]:
    """A sentence per metric that has no value."""
    found = {f"{record['metric']}: {record['reason']}" for record in records if record["value"] is None}
    return sorted(found)


def floor_notes(records: Sequence[Record]) -> list[str]:
    """A sentence per column whose floor is of fewer images than its values, and so has the larger bias."""
    notes = []
    for column in columns(records):
        record = next(iter(column.cells.values()))
        (samples, reference), count = record["floor_images"], record["protocol"]["count"]
        images = record["protocol"]["reference"]["images"]
        if samples < count or reference < images:
            notes.append(
                f"{column.title}: real images' values are of {samples} against {reference}, the samples' of {count} against"
                f" {images}; fewer images give larger Frechet distances, so a good generator's may be below this floor."
            )
    return notes


def text_table(records: Sequence[Record]) -> str:
    """For a terminal: a row per metric; value, spread and the floor of real images per reference split."""
    shown = columns(records)
    head = ["metric", *(cell for column in shown for cell in (column.title, "real images"))]
    rows = [head]
    for metric in metrics_of(records):
        cells = [column.cells.get(metric) for column in shown]
        rows.append(
            [row_name(metric, records), *(text for cell in cells for text in (value_text(cell), floor_text(cell)))]
        )
    widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
    lines = ["  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([*lines, *floor_notes(records), *reasons(records)])


def row_name(metric: str, records: Sequence[Record]) -> str:
    """The names that the metric has in its columns: only a value of the published protocol may be called FID."""
    return ", ".join(dict.fromkeys(record["name"] for record in records if record["metric"] == metric))


def _title(record: Record) -> str:
    reference = record["protocol"]["reference"]
    return f"against {reference['split']} ({reference['images']})"


def _digits(value: float, spread: float | None) -> int:
    size = abs(spread) if spread else abs(value) / 100
    return next((digits for digits in range(1, 6) if size >= 10.0 ** (1 - digits)), 5)
