"""What the runs of a study cost: wall time by kind of run, and a GAN's iteration in steps of a classifier."""

import math
from collections.abc import Mapping, Sequence
from statistics import median

from sparring.study.engine.cell import Tag
from sparring.study.engine.results import NOT_CHOSEN, CellResult, Results
from sparring.study.tables.analysis import Table
from sparring.study.tables.text import mean_std

Tags = Mapping[str, Tag]
TOLERANCE = 0.25  # an assumed cost that is off by more than this share is pointed out


def arm_runs(arms: Sequence[str], *, gan: bool = True, **tags: Tag) -> dict[str, Tags]:
    """Rows of `cost_table`: the GAN and its pool, every arm, and what val did not choose; tags: further ones of the arms."""
    shared: dict[str, Tags] = {"GAN": {"part": "generator"}, "pool": {"part": "pool"}} if gan else {}
    left: dict[str, Tags] = {"candidates that val did not choose": {"part": NOT_CHOSEN}} if gan else {}
    return {**shared, **{arm: {**tags, "arm": arm} for arm in arms}, **left}


def cost_table(
    results: Results, runs: Mapping[str, Tags], *, settings: Mapping[str, Tags] | None = None, note: str = ""
) -> Table:
    """Wall time of runs; kinds without a finished run are left out.

    Args:
        results: of the study.
        runs: row -> tags of its cells.
        settings: column -> tags of its cells, where the time depends on the setting.
        note: sentences to follow the explanation.
    """
    columns = settings or {"": {}}
    rows = []
    for name, tags in runs.items():
        seconds = [[_seconds(each) for each in results.find(**tags, **setting)] for setting in columns.values()]
        if any(seconds):
            rows.append((name, *(mean_std(each, 1) for each in seconds), str(sum(map(len, seconds)))))
    head = ("run", *(f"{setting}, s" if setting else "seconds" for setting in columns), "runs")
    return Table("Cost", head, tuple(rows), f"Wall time of one run, mean ± standard deviation. {note}".rstrip())


def _seconds(each: CellResult) -> float:
    return float(each.get("cost", "seconds"))


def cost_per_step(cells: Sequence[CellResult]) -> list[float]:
    """Processor seconds per iteration of each training, all threads together; wall seconds where a GPU did the work."""
    costs = []
    for each in cells:
        seconds, iterations = each.get("cost", "cpu_seconds"), each.get("clock", "iteration")
        if iterations:
            costs.append(float(_seconds(each) if seconds is None else seconds) / iterations)
    return costs


def relative_step_cost(gans: Sequence[CellResult], classifiers: Sequence[CellResult]) -> float:
    """Median cost of a GAN's iteration over that of a classifier's step; NaN where nothing was measured."""
    gan, classifier = cost_per_step(gans), cost_per_step(classifiers)
    return median(gan) / median(classifier) if gan and classifier and median(classifier) > 0 else math.nan


def step_cost_sentence(measured: float, *, assumed: float) -> str:
    """Whether the cost that the plan assumed was right, in a sentence or two; empty where nothing was measured."""
    if math.isnan(measured):
        return ""
    share = assumed / measured
    sentence = (
        f"One iteration of the GAN took the time of {measured:.2f} steps of a classifier (processor time, medians over all "
        f"trainings); {assumed:g} were assumed, so the arm compute had {share:.0%} of the GAN's computing time."
    )
    if abs(share - 1) <= TOLERANCE:
        return sentence
    return f"{sentence} A new study with study.gan_step_cost={measured:.2g} would give it as much."
