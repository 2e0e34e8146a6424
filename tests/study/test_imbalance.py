"""imbalance: made-up confusion matrices come out as the differences that they are, each under its measure's name."""

from pathlib import Path
from typing import Any

import pytest

from sparring.study.cell import Cell
from tests.study.fabricated import planned_by, results, settings, trained

SMALL = (
    "study=imbalance",
    "study.ratios=[10]",
    "study.primary_ratio=10",
    "study.rare=1",
    "study.arms=[oversample,gan_aug]",
)
IMAGES = 100  # of each class on test
NOISE = (0, 1, -1, 2, -2, 0)  # right answers, by replicate


def made_up(cell: Cell, run: Path) -> dict[str, Any]:
    """gan_aug is right on 30 images of the last class more than oversample, and like it on all others."""
    gained = 30 if cell.tags.get("arm") == "gan_aug" else 0
    right = [80] * 9 + [20 + gained + NOISE[int(cell.tags["replicate"])] * (gained > 0)]
    counts = [[right[k] if j == k else 0 for j in range(10)] for k in range(10)]
    for k in range(10):
        counts[k][(k + 1) % 10] = IMAGES - right[k]
    return trained(sum(right) / (10 * IMAGES), per_class=[each / IMAGES for each in right], confusion=counts)


def test_arms_share_images_steps_and_seeds(cache_dir: Path) -> None:
    _, cells = planned_by(cache_dir, *SMALL)
    by_name = {each.name: settings(each) for each in cells}
    assert len(by_name) == 6 * 4
    gan, base, arm = (by_name[f"ratio10/r3/{name}"] for name in ("generator", "oversample", "gan_aug"))
    for key in ("data.imbalance", "data.subset_seed", "data.batch_size"):
        assert gan[key] == base[key] == arm[key]
    for key in ("seed", "trainer.max_steps", "data.crop", "data.flip", "data.mix.fraction"):
        assert base[key] == arm[key]


def test_every_comparison_names_its_measure(tmp_path: Path, cache_dir: Path) -> None:
    subject, cells = planned_by(cache_dir, *SMALL)
    analysis = subject.analyse(results(subject, cells, tmp_path, made_up))
    deltas = {it.where: it.delta for it in analysis.comparisons}
    assert set(deltas) == {
        f"{measure}, an imbalance of 10" for measure in ("balanced accuracy", "rare recall", "macro F1", "accuracy")
    }
    assert deltas["rare recall, an imbalance of 10"] == pytest.approx(30)
    assert deltas["balanced accuracy, an imbalance of 10"] == pytest.approx(3)
    assert deltas["accuracy, an imbalance of 10"] == pytest.approx(3)
    assert (analysis.comparisons[0].where, analysis.verdict) == ("balanced accuracy, an imbalance of 10", "HELPS")
    assert "gan_aug over oversample in rare recall, an imbalance of 10 (+30.00)" in analysis.answer
    assert {row[0] for row in analysis.tables[0].rows} == {"10"}  # the baseline has a row too
