"""What the directory of one training says of its course, also where it diverged and left no result."""

import csv
import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sparring.report.record import MetricTable, Series, read_samples
from sparring.run.directory import RunDir
from sparring.study.engine.results import CellResult
from sparring.study.stats.rates import Objective, Outcome, classifier_outcome, generator_outcome


@dataclass(frozen=True)
class TrainingCurves:
    """One training.

    Args:
        outcome: how it ended.
        images_seen: at each measurement of quality.
        quality: the objective at each of them.
        losses: what was logged as a loss.
        picture: its last sample grid; None without one.
        gaussian: what a Gaussian per class gets; None where that was not measured.
    """

    outcome: Outcome
    images_seen: tuple[float, ...]
    quality: tuple[float, ...]
    losses: tuple[Series, ...]
    picture: Path | None
    gaussian: float | None = None

    @property
    def final(self) -> float:
        """Quality at the end; NaN where it did not get there."""
        return self.quality[-1] if self.quality and self.outcome is not Outcome.FAILED else math.nan


def read_training(run: Path, result: CellResult | None, *, objective: Objective, classes: int) -> TrainingCurves:
    """The training in a run directory.

    Args:
        run: the directory, which may be missing.
        result: the cell; None where it did not finish.
        objective: fd, from `quality.csv`, or accuracy on val, from `metrics.csv`.
        classes: number of classes.
    """
    table = {each.name: each for each in MetricTable.read(run / "metrics.csv").series()}
    images, quality = _fd(run / "quality.csv") if objective.name == "fd" else _logged(table.get("val/accuracy"))
    gaussian = _gaussian(run / "quality.json", objective.name)
    broke = result is None and (RunDir(run).status() or {}).get("state") == "diverged"
    if result is None and not broke:
        outcome = Outcome.FAILED
    elif objective.name == "fd":
        outcome = generator_outcome(
            quality, _logged(table.get("samples/diversity"))[1], _logged(table.get("samples/agreement"))[1], broke=broke,
            chance=1 / classes, real_agreement=None if result is None else _real_agreement(result),
            gaussian=gaussian,
        )  # fmt: skip
    else:
        outcome = classifier_outcome(quality, broke=broke, chance=1 / classes)
    samples = read_samples(run / "images")
    losses = tuple(each for name, each in table.items() if name.startswith("loss/"))
    return TrainingCurves(
        outcome, tuple(images), tuple(quality), losses, samples[-1].path if samples else None, gaussian
    )


def _fd(file: Path) -> tuple[list[float], list[float]]:
    if not file.exists():
        return [], []
    with file.open(encoding="utf-8") as text:
        rows = [(float(row["images_seen"]), float(row["fd"])) for row in csv.DictReader(text)]
    return [x for x, _ in rows], [y for _, y in rows]


def _gaussian(file: Path, metric: str) -> float | None:
    """What a Gaussian per class gets; None where that was not measured."""
    if not file.exists():
        return None
    value = json.loads(file.read_text("utf-8")).get("per_class_gaussian", {}).get(metric)
    return None if value is None else float(value)


def _logged(series: Series | None) -> tuple[Sequence[float], Sequence[float]]:
    return ([], []) if series is None else (series.images_seen, series.values)


def _real_agreement(result: CellResult) -> float | None:
    """Agreement of real images, as the collapse callback recorded it; None without labels."""
    for name, metric in (result.result.get("metrics") or {}).items():
        if name.startswith("train/agreement_"):
            return float(metric["protocol"]["real_images_agreement"])
    return None


def gaussian_sentence(runs: Iterable[TrainingCurves], name: str) -> list[str]:
    """What a Gaussian per class gets, which a generator that has learned does not fall behind; nothing where it is not known."""
    values = [each.gaussian for each in runs if each.gaussian is not None]
    if not values:
        return []
    spread = f"{min(values):.3g} to {max(values):.3g}" if max(values) > min(values) else f"{values[0]:.3g}"
    return [f"A Gaussian per class, fitted to the training images in pixel space, gets {name} {spread} (by split)."]
