"""corruptions: its accuracies, mCE and verdict are those of made-up tables."""

from pathlib import Path
from typing import Any

import pytest

from sparring.config.compose import compose
from sparring.core.errors import ConfigError
from sparring.stage.study import study
from sparring.study.engine.cell import Cell
from tests.study.attacked import attacked
from tests.study.fabricated import no_pictures, planned_by, results, settings, trained

__all__ = ["no_pictures"]


def made_up(cell: Cell, run: Path) -> dict[str, Any]:
    if cell.verb != "attack":
        return trained(0.9)
    arm, r = cell.tags["arm"], int(cell.tags["replicate"])
    return attacked(0.9, {"pgd": 0.1}, corrupted=0.5 + (0.1 + 0.01 * (r % 2) if arm == "gan_aug" else 0.0))


def test_arms_differ_in_augmentation_and_added_images_and_are_evaluated_alike(cache_dir: Path) -> None:
    _, cells = planned_by(cache_dir, "study=corruptions")
    by_name = {each.name: settings(each) for each in cells}
    assert by_name["r1/pgd_at"] == by_name["r1/aug"] | {
        "model/robust": "pgd_at", "model.robust.epsilon": "0.2", "model.robust.steps": "7",
    }  # fmt: skip
    assert (by_name["r1/real"]["data.crop"], by_name["r1/aug"]["data.crop"]) == ("0", "1")
    evaluations = [by_name[f"r1/evaluation_{arm}"] | {"run": ""} for arm in ("real", "gan_aug", "pgd_at")]
    assert evaluations[0] == evaluations[1] == evaluations[2]
    assert evaluations[0]["corruptions"] == "all"


def test_tables_and_verdict(cache_dir: Path, tmp_path: Path, no_pictures: None) -> None:
    subject, cells = planned_by(cache_dir, "study=corruptions")
    analysis = subject.analyse(results(subject, cells, tmp_path, made_up))
    assert analysis.verdict == "HELPS"
    assert analysis.comparisons[0].delta == pytest.approx(10.5)
    tables = {each.title: {row[0]: row[1:] for row in each.rows} for each in analysis.tables}
    arms = ("real", "aug", "strong_aug", "gan_aug")
    kinds = tables["Accuracy by corruption and severity"]
    assert kinds["jpeg"][arms.index("aug")] == "40 / 40 / 40 / 40 / 40"
    assert tables["Accuracy by severity"]["gan_aug"][0] == "55.50 ± 0.55"
    # aug errs in 0.5 and 0.6 of the images, gan_aug of replicate 0 in 0.4 and 0.5: the mean of 4/5 and 5/6
    assert tables["mCE against aug"]["gan_aug"][1] == "0.817"
    assert tables["mCE against aug"]["aug"][1] == "1.000"
    by_severity = next(each for each in analysis.plots if each.title == "Accuracy by severity")
    assert by_severity.x == (1.0, 2.0, 3.0, 4.0, 5.0)


@pytest.mark.parametrize(
    ("override", "reason"),
    [("study.epsilon=0", "epsilon=0"), ("study.count=0", "study.count=0"), ("study.arms=[aug,gan]", "has no 'gan'")],
)
def test_settings_that_do_not_fit_are_refused(cache_dir: Path, override: str, reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        planned_by(cache_dir, "study=corruptions", override)


@pytest.mark.slow
def test_a_tiny_one_runs(tmp_path: Path, cache_dir: Path) -> None:
    tiny = ["study.replicates=2", "study.arms=[aug,gan_aug]", "study.gan_steps=2", "study.steps=3", "study.pool=1",
            "study.pgd_steps=2", "study.count=20", "data.image_size=8", "executor=inline"]  # fmt: skip
    result = study(compose("study", ["study=corruptions", *tiny, f"paths.cache_dir={cache_dir}"]), tmp_path / "study")
    assert {each["state"] for each in result["cells"].values()} == {"finished"}
    kinds = next(t for t in result["analysis"]["tables"] if t["title"] == "Accuracy by corruption and severity")
    assert len(kinds["rows"]) == 13
