"""What one iteration of a GAN costs in steps of a classifier, from trainings that a study has finished."""

import math
from collections.abc import Sequence
from statistics import median
from typing import Any

from sparring.study.engine.results import CellResult
from sparring.study.tables.analysis import DASH, number

CLOSE = 0.25  # an assumed cost that is off by more than this share is remarked


def cost_per_step(cells: Sequence[CellResult]) -> list[float]:
    """Processor seconds per iteration of each training, all threads together; wall seconds where a GPU did the work."""
    found = []
    for each in cells:
        seconds, iterations = each.get("cost", "cpu_seconds"), each.get("clock", "iteration")
        if iterations:
            found.append(float(each.get("cost", "seconds") if seconds is None else seconds) / iterations)
    return found


def relative_cost(gans: Sequence[CellResult], classifiers: Sequence[CellResult]) -> float:
    """Median cost of a GAN's iteration over that of a classifier's step; NaN where nothing was measured."""
    above, below = cost_per_step(gans), cost_per_step(classifiers)
    return median(above) / median(below) if above and below and median(below) > 0 else math.nan


def told(measured: float, *, assumed: float) -> str:
    """Whether the cost that the plan assumed was right, in a sentence or two."""
    if math.isnan(measured):
        return ""
    share = assumed / measured
    seen = (
        f"One iteration of the GAN took the time of {measured:.2f} steps of a classifier (processor time, medians over all"
        f" trainings), {assumed:g} were assumed: the arm compute had {share:.0%} of the GAN's computing time."
    )
    if abs(share - 1) <= CLOSE:
        return seen
    return f"{seen} A new study with study.gan_step_cost={measured:.2g} would give it as much."


def record_of(each: CellResult, metric: str) -> dict[str, Any]:
    """The entry of one metric in an evaluation."""
    found: list[dict[str, Any]] = each.get("metrics")
    return next(record for record in found if record["metric"] == metric)


def value_of(each: CellResult, metric: str) -> float | None:
    """Of a metric; None where it has none."""
    value = record_of(each, metric)["value"]
    return None if value is None else float(value)


def value_text(each: CellResult | None, metric: str, scale: float = 1.0) -> str:
    """The same as text; a dash also for a cell that did not finish."""
    value = None if each is None else value_of(each, metric)
    return DASH if value is None else number(scale * value, 3 if scale == 1.0 else 2)
