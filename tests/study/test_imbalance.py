"""imbalance: arms share images and steps, and the measures of rare classes are those of the confusion matrices."""

from pathlib import Path
from typing import Any

import pytest
import torch
from sklearn.metrics import balanced_accuracy_score, f1_score

from sparring.config.compose import compose
from sparring.core.errors import ConfigError, DataError
from sparring.metric.classification import balanced_accuracy, confusion, macro_f1
from sparring.stage.study import study
from sparring.study.engine.cell import Cell
from tests.study.fabricated import planned_by, results, settings, trained

ONE = ("~study.gan_choices.shifts", "~study.gan_choices.diffaugment")
SMALL = ("study=imbalance", "study.ratios=[10,50]", *ONE)
RARE_RIGHT = {
    "none": 2,
    "aug": 3,
    "oversample": 5,
    "class_weights": 6,
    "mixup": 1,
    "gan": 4,
    "gan_aug": 7,
}  # of 10 images of each of the last 3 classes


def counts(rare_right: int) -> list[list[int]]:
    """10 images per class, 9 right in classes 0 to 6 and `rare_right` in 7 to 9; the others are taken for class 0 or 1."""
    rows = []
    for k in range(10):
        right = 9 if k < 7 else rare_right
        row = [0] * 10
        row[k] = right
        row[1 if k == 0 else 0] += 10 - right
        rows.append(row)
    return rows


def test_measures_against_scikit_learn() -> None:
    draw = torch.Generator().manual_seed(1)
    label = torch.randint(0, 5, (200,), generator=draw)
    logits = torch.randn(200, 6, generator=draw)  # class 5 has no images
    table, predicted = confusion(logits, label), logits.argmax(1)
    recalls = [(predicted[label == k] == k).double().mean() for k in range(5)]
    assert balanced_accuracy(table) == pytest.approx(float(torch.stack(recalls).mean()))
    five = confusion(logits[:, :5], label)
    assert balanced_accuracy(five) == pytest.approx(balanced_accuracy_score(label, logits[:, :5].argmax(1)))
    assert macro_f1(table) == pytest.approx(f1_score(label, predicted, average="macro"))


def test_arms_share_images_steps_and_the_share_replaced(cache_dir: Path) -> None:
    _, cells = planned_by(cache_dir, *SMALL)
    by_name = {each.name: settings(each) for each in cells}
    assert len(by_name) == 2 * 6 * 9
    arms = {arm: by_name[f"ratio50/r2/{arm}{'_plain' * ('gan' in arm)}"] for arm in RARE_RIGHT}
    gan = by_name["ratio50/r2/by_plain/generator"]
    for key in ("data.imbalance", "data.subset_seed", "data.batch_size"):
        assert {arm[key] for arm in arms.values()} == {gan[key]}
    assert len({(arm["seed"], arm["trainer.max_steps"]) for arm in arms.values()}) == 1
    assert arms["oversample"]["data.mix.fraction"] == arms["gan_aug"]["data.mix.fraction"] == "0.5"
    assert arms["class_weights"] == arms["aug"] | {"model.class_weights": "balanced"}
    assert arms["mixup"] == arms["aug"] | {"model/transform": "[mixup]"}
    assert (arms["gan"]["data.crop"], arms["gan_aug"]["data.crop"]) == ("0", "1")  # an eighth of 8 pixels
    assert by_name["ratio50/r2/by_plain/pool"]["label"] == "balanced"


@pytest.mark.parametrize(
    ("override", "error", "reason"),
    [
        ("study.primary_ratio=100", ConfigError, "study.primary_ratio=100 one of them"),
        ("study.ratios=[1,50]", ConfigError, "must all be above 1"),
        ("study.rare=10", ConfigError, "must be below the 10 classes"),
        ("study.largest=1000", ConfigError, "study.largest=1000 must be from 1 to"),
        ("study.largest=20", DataError, "keeps no training image"),
        ("study.arms=[aug,oversample,mixupp,gan_aug]", ConfigError, "has no 'mixupp', did you mean mixup"),
    ],
)
def test_settings_that_do_not_fit_are_refused(cache_dir: Path, override: str, error: type, reason: str) -> None:
    with pytest.raises(error, match=reason):
        planned_by(cache_dir, *SMALL, override)


@pytest.mark.slow
def test_measures_of_made_up_confusions(tmp_path: Path, cache_dir: Path) -> None:
    subject, cells = planned_by(cache_dir, "study=imbalance", "study.ratios=[10,50]")

    def made_up(cell: Cell, run: Path) -> dict[str, Any]:
        rare = RARE_RIGHT.get(str(cell.tags.get("arm")), 0) - (cell.tags["replicate"] == 0)
        rare += cell.tags.get("candidate") == "plain"  # better on test, which val does not see
        val = 0.6 if cell.tags.get("candidate") == "shifts" else 0.5
        table = counts(rare)
        right = [row[k] / 10 for k, row in enumerate(table)]
        return trained(sum(right) / 10, val=val, per_class=right, confusion=table)

    analysis = subject.analyse(results(subject, cells, tmp_path, made_up))
    primary = analysis.comparisons[0]
    assert (primary.arm, primary.baseline, primary.where) == ("gan_aug", "oversample", "ratio 50")
    assert primary.baseline_values == pytest.approx([10 * (6.3 + 1.2)] + [10 * (6.3 + 1.5)] * 5)
    assert primary.delta == pytest.approx(6)
    assert analysis.verdict == "HELPS"
    assert "oversampling the rare classes at an imbalance of 50" in analysis.conclusion
    assert "Of balanced accuracy, 11 of 11 other comparisons show a difference" in analysis.conclusion
    rare = next(table for table in analysis.tables if table.title.startswith("Rare recall"))
    row = next(row for row in rare.rows if row[:2] == ("ratio 10", "none"))
    assert (row[2], row[3]) == ("18.33 ± 4.08", "−30.00")
    chosen = next(table for table in analysis.tables if table.title.startswith("What the generated arms"))
    assert {(row[2], row[-1]) for row in chosen.rows} == {("plain", "0"), ("shifts", "6"), ("diffaugment", "0")}
    assert analysis.tables[-1].title == "Published numbers"
    sizes = next(table for table in analysis.tables if table.title.startswith("Training images"))
    assert [int(text) for text in sizes.rows[1][1:]] == sorted(map(int, sizes.rows[1][1:]), reverse=True)


@pytest.mark.slow
def test_a_tiny_one_runs(tmp_path: Path, cache_dir: Path) -> None:
    tiny = ["study.replicates=2", "study.ratios=[10]", "study.primary_ratio=10", "study.gan_steps=3", "study.steps=3",
            "study.pool=2", "data.image_size=8", "executor=inline", *ONE]  # fmt: skip
    result = study(compose("study", ["study=imbalance", *tiny, f"paths.cache_dir={cache_dir}"]), tmp_path / "study")
    assert len(result["analysis"]["comparisons"]) == 4 * 6
    assert result["analysis"]["verdict"] == "OPEN"
    assert {each["state"] for each in result["cells"].values()} == {"finished"}
