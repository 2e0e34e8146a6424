"""attack_table: every attack has the same epsilon and images, and is compared with PGD."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sparring.config.compose import compose
from sparring.core.errors import ConfigError
from sparring.stage.study import study
from sparring.study.attack_table import AttackTable
from sparring.study.engine.cell import Cell
from tests.study.attacked import attacked
from tests.study.fabricated import planned_by, results, settings, trained


def made_up(cell: Cell, run: Path) -> dict[str, Any]:
    """Of 90 % clean accuracy: under AdvGAN 45 % for the standard classifier and 81 % for the robust one, under PGD 0 and 63 %."""
    if cell.verb != "attack":
        return trained(0.9)
    robust, r = cell.tags["classifier"] == "robust", int(cell.tags["replicate"])
    accuracies = dict.fromkeys(AttackTable.ARMS, 0.63 if robust else 0.0)
    accuracies["advgan"] = (0.81 if robust else 0.45) + 0.0009 * r
    return attacked(0.9, accuracies, flags=() if robust else ("odd.",))


def test_perturbers_and_transfers_use_the_right_classifiers(cache_dir: Path) -> None:
    _, cells = planned_by(cache_dir, "study=attack_table")
    by_name = {each.name: settings(each) for each in cells}
    standard, robust = by_name["r2/attacks_standard"], by_name["r2/attacks_robust"]
    assert (standard["attack.advgan.run"], robust["attack.advgan.run"]) == (
        "cell:r2/advgan_standard",
        "cell:r2/advgan_robust",
    )
    assert standard["attack.advgan_transfer.run"] == robust["attack.advgan_transfer.run"] == "cell:r2/advgan_surrogate"
    assert standard["attack.transfer.run"] == "cell:r2/surrogate"
    assert by_name["r2/advgan_robust"]["model.target"] == "cell:r2/robust"
    assert standard["epsilon"] == robust["epsilon"] == by_name["r2/advgan_robust"]["model.epsilon"] == "0.2"
    assert by_name["r2/surrogate"]["seed"] != by_name["r2/standard"]["seed"] == by_name["r2/robust"]["seed"]
    few = {
        each.name
        for each in planned_by(cache_dir, "study=attack_table", "study.arms=[fgsm,pgd]", "study.primary=fgsm")[1]
    }
    assert not any("advgan" in name or "surrogate" in name for name in few)


def test_table_and_answer(cache_dir: Path, tmp_path: Path) -> None:
    subject, cells = planned_by(cache_dir, "study=attack_table")
    analysis = subject.analyse(results(subject, cells, tmp_path, made_up))
    primary = analysis.comparisons[0]
    assert (primary.arm, primary.baseline, primary.where, primary.verdict) == (
        "advgan",
        "pgd",
        "the standard classifier",
        "HURTS",
    )
    assert primary.delta == pytest.approx(-50.25)
    assert analysis.verdict is None
    assert (
        "on the standard classifier advgan turns 49.75 ± 0.19 % of the correctly classified images into errors, PGD-50 100.00"
        in analysis.conclusion
    )
    assert "WARNING" not in analysis.conclusion
    rows = {row[:2]: row[2:] for row in analysis.tables[0].rows}
    assert rows["robust", "pgd"][:3] == ("63.00 ± 0.00", "30.00 ± 0.00", "51.00 ± 0.00")
    assert rows["robust", "none"][0] == "90.00 ± 0.00"
    assert rows["standard", "pgd"][4:] == ("51.00 ± 0.00", "50.00 ± 0.00", "20.00 ± 0.00")  # 2 s of 100 images
    flags = next(each for each in analysis.tables if each.title.startswith("Signs"))
    assert flags.rows == (("standard", "odd.", "6"), ("robust", "none", "–"))


def test_a_robust_classifier_that_is_no_more_robust_is_said_first(cache_dir: Path, tmp_path: Path) -> None:
    subject, cells = planned_by(cache_dir, "study=attack_table", "study.replicates=2")

    def alike(cell: Cell, run: Path) -> dict[str, Any]:
        return made_up(replace(cell, tags={**cell.tags, "classifier": "standard"}), run)

    said = subject.analyse(results(subject, cells, tmp_path, alike)).conclusion
    assert said.startswith(
        "WARNING: the standard classifier, trained without attacks, keeps 0.0 % under pgd at 51/255 (0.2), and "
    )
    assert "the robust one, trained against them, 0.0 %: the attack is too weak or that training failed" in said


@pytest.mark.parametrize(
    ("override", "reason"),
    [
        ("study.baseline=fgsm", "must be pgd"),
        ("study.arms=[pgd,advgam]", "has no 'advgam'"),
        ("study.epsilon=2", "epsilon=2"),
        ("study.count=0", "study.count=0"),
    ],
)
def test_settings_that_do_not_fit_are_refused(cache_dir: Path, override: str, reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        planned_by(cache_dir, "study=attack_table", override)


@pytest.mark.slow
def test_a_tiny_one_runs(tmp_path: Path, cache_dir: Path) -> None:
    tiny = ["study.replicates=2", "study.arms=[fgsm,pgd,transfer,advgan]", "study.steps=3", "study.advgan_steps=2",
            "study.pgd_steps=2", "study.count=20", "data.image_size=8", "executor=inline"]  # fmt: skip
    result = study(compose("study", ["study=attack_table", *tiny, f"paths.cache_dir={cache_dir}"]), tmp_path / "study")
    assert {each["state"] for each in result["cells"].values()} == {"finished"}
    assert [row[1] for row in result["analysis"]["tables"][0]["rows"]] == [
        "none",
        "fgsm",
        "pgd",
        "transfer",
        "advgan",
    ] * 2
    assert "Adversarial images" in (tmp_path / "study/report.html").read_text()
