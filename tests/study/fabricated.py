"""Results of a study whose cells were never run: each result is made up, so that the analysis has an oracle."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from sparring.config.build import build
from sparring.config.compose import compose
from sparring.metric.classification import packed
from sparring.run.directory import RunDir
from sparring.study.base import Study
from sparring.study.engine.cell import Cell
from sparring.study.engine.context import StudyContext
from sparring.study.engine.plan import Planned
from sparring.study.engine.results import Results
from sparring.study.engine.run import CellOutcome


@pytest.fixture
def no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Training images cannot be drawn again from runs that were never made."""
    for module in ("augment_curve", "cas", "corruptions", "robust_at"):
        monkeypatch.setattr(f"sparring.study.{module}.training_pictures", lambda *_, **__: [])


def planned_by(cache_dir: Path, *overrides: str) -> tuple[Study, list[Cell]]:
    """The study that `study.py <overrides>` would run on 8-pixel digits, and its cells."""
    config = compose("study", ["data.image_size=8", f"paths.cache_dir={cache_dir}", *overrides])
    subject = build(config.study, section="study")
    return subject, subject.cells(StudyContext.read(config))


def results(subject: Study, cells: list[Cell], folder: Path, result: Callable[[Cell, Path], dict[str, Any]]) -> Results:
    """result: a cell and its directory, which exists -> the content of its result.json."""
    planned, outcomes = [], {}
    for cell in {each.name: each for each in cells}.values():  # arms may share cells
        run = folder / cell.name
        run.mkdir(parents=True)
        RunDir(run).write_result(result(cell, run))
        planned.append(Planned(cell, {}, (), "key", run))
        outcomes[cell.name] = CellOutcome("finished", "", 1.0, reused=False)
    return Results(planned, outcomes, replicates=subject.replicates)


def trained(accuracy: float, *, val: float = 0.5, per_class: list[float] | None = None, **more: Any) -> dict[str, Any]:
    """result.json of a classifier's training, with `accuracy` on test and `val` on val."""
    right = torch.arange(100) < round(100 * accuracy)
    test = {"per_class": per_class or [accuracy] * 10, "images": 100, "right": packed(right), **more}
    clock = {"iteration": 8, "images_seen": 64}
    return {
        "metrics": {"test/accuracy": {"value": accuracy}, "val/accuracy": {"value": val}},
        "classification": {"network": "ema", "test": test},
        "clock": clock, "cost": {"seconds": 1.0, "cpu_seconds": 1.0},
        "classes": list(map(str, range(10))), "data": {"fingerprints": {"test": "the same"}},
    }  # fmt: skip


def settings(cell: Cell) -> dict[str, str]:
    """Its overrides by key; a removed key (`~key`) has no value."""
    return dict(item.partition("=")[::2] for item in cell.overrides)
