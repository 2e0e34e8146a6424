"""ssl_labels: the semi-supervised GAN and its labels-only arm differ in one setting, and the numbers are read correctly."""

from pathlib import Path
from typing import Any

import pytest

from sparring.config.compose import compose
from sparring.core.errors import ConfigError
from sparring.stage.study import study
from sparring.study.engine.cell import Cell
from tests.study.fabricated import planned_by, results, settings, trained

GAIN = {"supervised": 0.0, "ssgan": 0.05, "cnn": -0.02, "pseudo": -0.01}


def test_the_labels_only_arm_differs_in_that_alone(cache_dir: Path) -> None:
    _, cells = planned_by(cache_dir, "study=ssl_labels")
    arms = {(each.tags["labels"], each.tags["replicate"], each.tags["arm"]): settings(each) for each in cells}
    assert len(arms) == 3 * 6 * 4
    for labels, replicate, _ in arms:
        gan, alone = arms[labels, replicate, "ssgan"], arms[labels, replicate, "supervised"]
        assert alone == gan | {"model.supervised_only": "true"}
        assert len({arms[labels, replicate, arm]["data.subset_seed"] for arm in GAIN}) == 1
        cnn, pseudo = arms[labels, replicate, "cnn"], arms[labels, replicate, "pseudo"]
        assert {k for k, v in pseudo.items() if cnn.get(k) != v} <= {k for k in pseudo if k.startswith("data")}
        assert pseudo["data.mix.labeller"] == f"cell:labels{labels}/r{replicate}/cnn"


@pytest.mark.parametrize(
    ("override", "reason"),
    [
        ("study.primary_labels=7", "must be one of"),
        ("study.arms=[supervised,ssgan,pseudo]", "needs cnn where it has pseudo"),
        ("study.keep=0", "above 0 and at most 1"),
        ("study.fraction=1", "between 0 and 1"),
        ("study.baseline=cnn", "ssgan and study.baseline=cnn are different networks.* compare ssgan with supervised"),
        ("study.arms=[supervised,ssgan,gann]", "has no 'gann'"),
        ("study.labels_per_class=[5,1000]", "study.labels_per_class=1000 must be from 1 to"),
    ],
)
def test_settings_that_do_not_fit_are_refused(cache_dir: Path, override: str, reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        planned_by(cache_dir, "study=ssl_labels", override)


def test_gains_are_found_with_their_baselines(tmp_path: Path, cache_dir: Path) -> None:
    subject, cells = planned_by(cache_dir, "study=ssl_labels", "study.labels_per_class=[5,10]")

    def made_up(cell: Cell, run: Path) -> dict[str, Any]:
        replicate, labels = int(cell.tags["replicate"]), int(cell.tags["labels"])
        noise = 0.001 * replicate if cell.tags["arm"] == "ssgan" else 0.0
        return trained(0.7 + 0.01 * labels + 0.01 * replicate + GAIN[str(cell.tags["arm"])] + noise)

    analysis = subject.analyse(results(subject, cells, tmp_path, made_up))
    primary = analysis.comparisons[0]
    assert (primary.arm, primary.baseline, primary.where) == ("ssgan", "supervised", "5 labels per class")
    assert primary.delta == pytest.approx(5 + 0.25)
    assert analysis.verdict == "HELPS"
    assert "helps against the same network on the labels alone at 5 labels per class" in analysis.conclusion
    deltas = {(it.arm, it.baseline, it.where): it.delta for it in analysis.comparisons}
    assert deltas["pseudo", "cnn", "10 labels per class"] == pytest.approx(1)
    assert len(deltas) == 2 * 2
    across = next(table for table in analysis.tables if "other network" in table.title)
    assert across.rows[2][:3] == ("10 labels per class", "ssgan - cnn", "+7.25")
    assert not any("HELPS" in cell for row in across.rows for cell in row)  # on unequal terms
    errors = next(table for table in analysis.tables if table.title.startswith("Test error"))
    assert errors.columns == ("labels per class", "supervised", "ssgan", "cnn", "pseudo")
    assert errors.rows[0][:2] == ("5", "22.50 ± 1.87")  # 100 - (75, 76, ..., 80)
    pair = next(table for table in analysis.tables if table.title.startswith("These two models: ssgan"))
    # of 100 images, 80 against 75 right, the same ones: 5 discordant, p = 2 / 2^5
    assert pair.rows[0] == ("5 labels per class", "80.00", "75.00", "5", "0", "0.062", "exact")
    assert len(pair.rows) == 2
    assert "says nothing about the two ways of training" in pair.note
    assert analysis.tables[-1].title == "Published numbers"


def test_models_evaluated_on_other_images_are_not_paired(tmp_path: Path, cache_dir: Path) -> None:
    subject, cells = planned_by(cache_dir, "study=ssl_labels", "study.labels_per_class=[5]")

    def made_up(cell: Cell, run: Path) -> dict[str, Any]:
        return trained(0.7) | {"data": {"fingerprints": {"test": str(cell.tags["arm"])}}}

    with pytest.raises(ConfigError, match="have different test images"):
        subject.analyse(results(subject, cells, tmp_path, made_up))


@pytest.mark.slow
def test_a_tiny_one_runs(tmp_path: Path, cache_dir: Path) -> None:
    tiny = ["study.replicates=2", "study.labels_per_class=[5]", "study.steps=4", "data.image_size=8", "executor=inline"]
    result = study(compose("study", ["study=ssl_labels", *tiny, f"paths.cache_dir={cache_dir}"]), tmp_path / "study")
    assert [each["arm"] for each in result["analysis"]["comparisons"]] == ["ssgan", "pseudo"]
    assert {each["state"] for each in result["cells"].values()} == {"finished"}
    cell = result["cells"]["labels5/r0/ssgan"]
    assert "test/accuracy" in cell["metrics"]
    assert "classification" not in cell  # tables by class and answers by image stay in the cell's own result.json
    assert result["checks"][0]["equal_training"] == {"iteration": 4, "images_seen": 400}
