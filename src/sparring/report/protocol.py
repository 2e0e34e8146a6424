"""Tables of metrics in which a column holds one protocol only."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Record = Mapping[str, Any]


@dataclass(frozen=True)
class Column:
    """Values of one protocol. title: how it differs from the others, in words. cells: records by metric."""

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
    """Value and standard deviation; a dash where there is none."""
    if record is None or record["value"] is None:
        return "–"
    digits = _digits(record["value"], record["std"])
    value = f"{record['value']:.{digits}f}"
    return value if record["std"] is None else f"{value} ± {record['std']:.{digits}f}"


def reference_text(record: Record | None) -> str:
    """The real-data reference; a dash where there is none."""
    if record is None or record["real_data_reference"] is None:
        return "–"
    value = record["real_data_reference"]
    return f"{value:.{_digits(value, record['std'])}f}"


def reasons(records: Sequence[Record]) -> list[str]:
    """A sentence per metric that has no value."""
    return sorted({f"{record['metric']}: {record['reason']}" for record in records if record["value"] is None})


def reference_notes(records: Sequence[Record]) -> list[str]:
    """A sentence per column whose real-data reference is of fewer images than its values, and so has the larger bias."""
    notes = []
    for column in columns(records):
        record = next(iter(column.cells.values()))
        (real, reference), count = record["real_data_reference_images"], record["protocol"]["count"]
        images = record["protocol"]["reference"]["images"]
        if real < count or reference < images:
            notes.append(
                f"{column.title}: the real-data reference is of {real} images against {reference}, the samples' values of {count}"
                f" against {images}; fewer images give larger Frechet distances, so a good generator's may be below it."
            )
    return notes


def text_table(records: Sequence[Record]) -> str:
    """For a terminal: a row per metric; value, standard deviation and real-data reference per split."""
    groups = columns(records)
    head = ["metric", *(cell for column in groups for cell in (column.title, "real-data reference"))]
    rows = [head]
    for metric in metrics_of(records):
        cells = [column.cells.get(metric) for column in groups]
        texts = (text for cell in cells for text in (value_text(cell), reference_text(cell)))
        rows.append([row_name(metric, records), *texts])
    widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
    lines = ["  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([*lines, *reference_notes(records), *reasons(records)])


def row_name(metric: str, records: Sequence[Record]) -> str:
    """The names that the metric has in its columns: only a value of the published protocol may be called FID."""
    return ", ".join(dict.fromkeys(record["name"] for record in records if record["metric"] == metric))


def _title(record: Record) -> str:
    reference = record["protocol"]["reference"]
    return f"against {reference['split']} ({reference['images']})"


def _digits(value: float, std: float | None) -> int:
    """Decimals: two digits of the standard deviation, or three of the value."""
    size = abs(std) if std else abs(value) / 100
    return next((digits for digits in range(1, 6) if size >= 10.0 ** (1 - digits)), 5)
