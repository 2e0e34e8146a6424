"""Paired differences of a study as a forest plot: a row per comparison on one axis, over the zone of those that do not matter."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

ROWS = 40  # at most; the tables have all
KINDS = {"HELPS": "finished", "HURTS": "failed", "NO DIFFERENCE": "running"}  # verdict -> colour of the page


@dataclass(frozen=True)
class ForestRow:
    """One comparison; low, mean, high are positions in 0..100 on the plot's axis."""

    name: str
    low: float
    mean: float
    high: float
    figures: str
    verdict: str
    kind: str
    primary: bool


@dataclass(frozen=True)
class Forest:
    """Positions in 0..100 of the axis; `left`, `right`: its ends in percentage points.

    zone: (start, width) of differences smaller than the smallest effect of interest.
    """

    rows: list[ForestRow]
    zero: float
    zone: tuple[float, float]
    left: str
    right: str
    measure: str
    smallest: str
    left_out: int


def forest(comparisons: Sequence[Mapping[str, Any]]) -> Forest | None:
    """The comparisons of the primary one's measure, it first; None where there is none with a difference.

    Args:
        comparisons: `analysis.comparisons` of a study's result.json.
    """
    known = [each for each in comparisons if each["delta"] is not None and None not in each["t_interval"]]
    if not known:
        return None
    first = next((each for each in known if each["primary"]), known[0])
    same = [each for each in known if each["measure"] == first["measure"]]
    same.sort(key=lambda each: not each["primary"])
    shown, smallest = same[:ROWS], float(first["smallest_effect"])
    ends = [value for each in shown for value in (*each["t_interval"], each["delta"])]
    low, high = min(*ends, -1.5 * smallest), max(*ends, 1.5 * smallest)
    width = (high - low) or 1.0

    def at(value: float) -> float:
        return round(100 * (value - low) / width, 2)

    return Forest(
        rows=list(_rows(shown, at)), zero=at(0.0), zone=(at(-smallest), round(100 * 2 * smallest / width, 2)),
        left=f"{low:+.1f}", right=f"{high:+.1f}", measure=str(first["measure"]), smallest=f"{smallest:g}",
        left_out=len(same) - len(shown),
    )  # fmt: skip


def _rows(comparisons: Sequence[Mapping[str, Any]], at: Any) -> Iterator[ForestRow]:
    for each in comparisons:
        low, high = each["t_interval"]
        where = f", {each['where']}" if each["where"] else ""
        yield ForestRow(
            name=f"{each['arm']} − {each['baseline']}{where}", low=at(low), mean=at(each["delta"]), high=at(high),
            figures=f"{each['delta']:+.2f} [{low:.2f}, {high:.2f}]", verdict=str(each["verdict"]).capitalize(),
            kind=KINDS.get(each["verdict"], "interrupted"), primary=bool(each["primary"]),
        )  # fmt: skip
