"""Measured values beside those of real images, as bars that need no drawing library."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sparring.report.protocol import row_name


@dataclass(frozen=True)
class Bar:
    """One metric: the widths, 0..100, of the samples' bar and of the real images', on an axis of its own."""

    name: str
    means: str
    better: str
    samples: float
    real: float
    value: str
    reference: str


def bars(records: Sequence[Mapping[str, Any]], split: str) -> list[Bar]:
    """A bar per metric that has a value and a real-data reference against `split`, neither of them negative."""
    shown = []
    for record in records:
        value, real = record["value"], record["real_data_reference"]
        if record["split"] != split or value is None or real is None or min(value, real) < 0 or max(value, real) == 0:
            continue
        largest = max(value, real)
        shown.append(
            Bar(
                row_name(record["metric"], [record]), record["means"], record["better"], round(100 * value / largest, 1),
                round(100 * real / largest, 1), f"{value:.3g}", f"{real:.3g}",
            )
        )  # fmt: skip
    return shown
