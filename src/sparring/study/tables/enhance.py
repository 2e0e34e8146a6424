"""Tables of `study=enhance`: how near enhanced images are to the originals, beside what they are worth to a classifier."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sparring.study.engine.results import CellResult, Results
from sparring.study.stats import statistics
from sparring.study.stats.spearman import spearman
from sparring.study.tables.analysis import Table
from sparring.study.tables.text import interval_text, mean_std, number

# Column of result.json -> its name, and the sign that makes larger better.
MEASURES = {"psnr": ("PSNR, dB", 1), "ssim": ("SSIM", 1), "fd_pixels_8x8": ("Frechet distance, 8 x 8 pixels", -1)}
USES = {"fixed": "of originals, as it is", "retrained": "retrained on these images"}
Rows = Mapping[str, Sequence[Mapping[str, Any] | None]]  # version -> its row of each replicate; None where that failed
Accuracies = Mapping[
    str, Mapping[str, Sequence[float]]
]  # use -> version -> accuracy of each replicate in %, NaN where failed


def version_rows(results: Results, version: str) -> list[dict[str, Any] | None]:
    """The entry of enhance.py's comparison about a version of the images, for each replicate; None where it failed."""
    cells = [results.one(part="versions", replicate=r) for r in range(results.replicates)]
    return [None if each is None else _row(each, version) for each in cells]


def _row(each: CellResult, version: str) -> dict[str, Any]:
    (row,) = [row for row in each.get("comparison") if row["version"] == version]
    return dict(row)


def fixed_classifier(results: Results, replicate: int, version: str) -> CellResult | None:
    """The classifier of originals with its answers to a version of the test images in place of those to the originals."""
    shown = results.one(part="versions", replicate=replicate)
    classifier = results.one(arm="original", replicate=replicate)
    if shown is None or classifier is None:
        return None
    row = _row(shown, version)
    test = {**classifier.get("classification", "test"), "right": row["right"]}
    metrics = {**classifier.get("metrics"), "test/accuracy": {"value": row["accuracy"]}}
    return replace(classifier, result={**classifier.result, "metrics": metrics, "classification": {"test": test}})


def values(rows: Sequence[Mapping[str, Any] | None], measure: str) -> list[float]:
    """A measure of each replicate; NaN where there is none."""
    return [math.nan if row is None or row[measure] is None else float(row[measure]) for row in rows]


def quality_tables(rows: Rows, endings: Mapping[str, str], accuracy: Mapping[str, Sequence[float]]) -> list[Table]:
    """Nearness beside accuracy, and their rank correlation.

    Args:
        endings: use -> how the names of its arms end, after that of the version.
        accuracy: arm -> one value per replicate, in %.
    """
    missing = [math.nan] * len(next(iter(rows.values())))
    by_use = {use: {name: accuracy.get(f"{name}{end}", missing) for name in rows} for use, end in endings.items()}
    return [quality_table(rows, by_use), correlation_table(rows, by_use)]


def quality_table(rows: Rows, accuracy: Accuracies) -> Table:
    """A row per version of the images."""
    lines = []
    for version, own in rows.items():
        near = [mean_std(values(own, measure), 3) for measure in MEASURES]
        lines.append((version, *near, *(mean_std(accuracy[use][version]) for use in USES)))
    head = ("images", *(name for name, _ in MEASURES.values()), *(f"accuracy, %, {use}" for use in USES))
    return Table(
        "Nearness to the originals beside accuracy", head, tuple(lines),
        "Mean ± standard deviation over replicates, on all test images. Fixed: the classifier of originals; retrained: one that "
        "learned from these images.",
    )  # fmt: skip


def correlation_table(rows: Rows, accuracy: Accuracies) -> Table:
    """Rank correlation of every measure, larger being better, with both accuracies."""
    lines = []
    for measure, (name, sign) in MEASURES.items():
        grid = {version: [sign * value for value in values(own, measure)] for version, own in rows.items()}
        for use, words in USES.items():
            within = [rho for rho in _within(grid, accuracy[use]) if not math.isnan(rho)]
            triples = [
                (x, y, r)
                for version in rows
                for r, (x, y) in enumerate(zip(grid[version], accuracy[use][version], strict=True))
                if not math.isnan(x + y)
            ]
            overall = spearman(*zip(*triples, strict=True)) if triples else None
            lines.append(
                (name, words, number(statistics.mean(within)), interval_text(statistics.t_interval(within)),
                 number(overall.rho if overall else math.nan),
                 interval_text(overall.interval if overall else statistics.UNDEFINED))
            )  # fmt: skip
    head = ("nearness", "classifier", "within a replicate", "95 % t", "all", "bootstrap")
    return Table(
        "Do images that are nearer to the originals give a better classifier?", head, tuple(lines),
        "Spearman's rank correlation over the versions of the images, nearness oriented so that larger is better: 1 if they "
        "always agree, 0 if they are unrelated; with so few versions it takes few values. First the mean over replicates, then "
        "over all versions of all replicates (whole replicates are resampled).",
    )  # fmt: skip


def _within(grid: Mapping[str, Sequence[float]], accuracy: Mapping[str, Sequence[float]]) -> list[float]:
    """Rank correlation over the versions of each replicate; NaN below three."""
    found = []
    for r in range(len(next(iter(grid.values())))):
        pairs = [(own[r], accuracy[version][r]) for version, own in grid.items()]
        pairs = [pair for pair in pairs if not math.isnan(sum(pair))]
        found.append(spearman(*zip(*pairs, strict=True), resamples=1).rho if len(pairs) > 2 else math.nan)
    return found
