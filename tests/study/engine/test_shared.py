"""What replicates share, from made-up records."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from sparring.metric.classification import balanced_accuracy, class_weights, confusion, packed, report
from sparring.study.engine.cell import Cell
from sparring.study.engine.cell_result import CellResult
from sparring.study.engine.shared import test_image_variance as image_variance
from sparring.study.engine.shared import training_variance


def record(right: np.ndarray, **data: Any) -> CellResult:
    test = {"images": len(right), "right": packed(torch.from_numpy(right))}
    result = {"classification": {"test": test}, "data": {"fingerprints": {"test": "same"}, **data}}
    return CellResult(Cell("a", "train", ()), {}, Path(), result, ())


def pairs(rows: bool) -> list[tuple[CellResult, CellResult]]:
    """Six replicates whose arm is better on one half of the images and worse on the other."""
    random, made = np.random.default_rng(0), []
    for _ in range(6):
        seen = np.sort(random.permutation(1000)[:400]) if rows else np.arange(400)
        better = random.random(400) < np.where(seen % 2 == 0, 0.9, 0.3)
        images: dict[str, Any] = {"train": 100, "available": 1000, "test": 400}
        if rows:
            mask = torch.zeros(1000, dtype=torch.bool)
            mask[seen] = True
            images |= {"stored": 1000, "test_rows": packed(mask)}
        made.append((record(better, images=images), record(random.random(400) < 0.6, images=images)))
    return made


@pytest.mark.parametrize(("rows", "share"), [(False, 1.0), (True, 0.4)])
def test_images_are_recognised_by_their_rows_or_by_one_fingerprint(rows: bool, share: float) -> None:
    expected = share * 100**2 * 0.3**2 / 400  # effects of +-30 points
    assert image_variance(pairs(rows), scale=100, balanced=False) == pytest.approx(expected, rel=0.2)


def test_replicates_of_unknown_images_share_nothing_that_is_known() -> None:
    others = [(record(np.ones(4, bool), fingerprints={"test": str(i)}),) * 2 for i in range(3)]
    assert image_variance(others, scale=1, balanced=False) == 0


def test_hits_weighted_by_class_average_to_balanced_accuracy() -> None:
    label = torch.tensor([0] * 30 + [1] * 10 + [2] * 20)
    logits = torch.randn(60, 3, generator=torch.Generator().manual_seed(0))
    entry = report(logits, label)
    right = (logits.argmax(1) == label).double().numpy()
    assert np.mean(class_weights(entry) * right) == pytest.approx(balanced_accuracy(confusion(logits, label)))
    assert "labels" not in report(logits, torch.arange(60) % 3)


def test_training_sets_that_overlap_heavily_are_corrected_for() -> None:
    delta = [1.0, 2.0, 3.0, 2.5]
    whole = record(np.ones(4, bool), images={"train": 1000, "available": 1000, "test": 300})
    few = record(np.ones(4, bool), images={"train": 50, "available": 1000, "test": 300})
    assert training_variance(delta, [whole] * 4) == pytest.approx(np.var(delta, ddof=1) * 0.3)
    assert training_variance(delta, [few] * 4) == 0
    assert training_variance(delta, [record(np.ones(4, bool))] * 4) == 0
