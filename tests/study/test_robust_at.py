"""robust_at: arms differ in the attack and in the added images and in nothing else; its numbers are in the right places."""

import json
import math
from pathlib import Path
from typing import Any

import pytest

from sparring.config.compose import compose
from sparring.core.errors import ConfigError
from sparring.run.directory import RunDir
from sparring.stage.study import study
from sparring.study.engine.cell import Cell
from sparring.study.tables.analysis import Analysis, Table
from tests.study.attacked import attacked
from tests.study.fabricated import no_pictures, planned_by, results, settings, trained

__all__ = ["no_pictures"]

ROBUST = {"standard": 0.02, "pgd_at": 0.70, "trades": 0.71, "pgd_at_gan": 0.74}  # under PGD; 0.70 for every other arm
CLEAN = {"standard": 0.99}


def table(analysis: Analysis, beginning: str) -> Table:
    return next(each for each in analysis.tables if each.title.startswith(beginning))


def test_arms_differ_in_attack_and_added_images_alone(cache_dir: Path) -> None:
    _, cells = planned_by(cache_dir, "study=robust_at")
    by_name = {each.name: settings(each) for each in cells}
    own = ("model/robust", "model.robust.epsilon", "model.robust.steps", "data/mix", "data.mix.images",
           "data.mix.fraction", "data.mix.per_class")  # fmt: skip
    names = [each.name for each in cells if each.name.startswith("r3/") and each.verb == "train" and "arm" in each.tags]
    shared = [{k: v for k, v in by_name[name].items() if k not in own} for name in names]
    assert len(names) == 9  # seven arms, two of them with two candidates
    assert all(each == shared[0] for each in shared)
    assert by_name["r3/standard"]["model/robust"] == "none"
    assert by_name["r3/trades"]["model.robust.steps"] == by_name["r3/pgd_at"]["model.robust.steps"]
    for choice in ("plain", "diffaugment"):
        gan, gan70 = by_name[f"r3/pgd_at_gan_{choice}"], by_name[f"r3/pgd_at_gan70_{choice}"]
        assert (gan["data.mix.fraction"], gan70["data.mix.fraction"]) == ("0.5", "0.7")
        assert gan["data.mix.images"] == gan70["data.mix.images"] == f"[cell:r3/by_{choice}/pool]"
    plain, augmented = by_name["r3/by_plain/generator"], by_name["r3/by_diffaugment/generator"]
    assert ("model/augment" in plain, augmented["model/augment"]) == (False, "diffaugment")
    assert by_name["r3/pgd_at_advgan"]["data.mix.images"] == "[cell:r3/perturbed]"
    made, perturber = by_name["r3/perturbed"], by_name["r3/advgan"]
    assert (made["run"], perturber["model.target"], made["split"]) == ("cell:r3/standard", "cell:r3/standard", "train")
    drawn = int(by_name["r3/pgd_at_gaussian"]["data.mix.per_class"]) * 10
    assert drawn == int(by_name["r3/by_plain/pool"]["count"])  # a Gaussian pool as large as the GAN's


def test_all_arms_are_evaluated_alike(cache_dir: Path) -> None:
    _, cells = planned_by(cache_dir, "study=robust_at", "study.epsilon=0.2", "study.weaker=[51/510]")
    evaluations = [
        settings(each) for each in cells if each.tags.get("part") == "evaluation" and each.tags["replicate"] == 0
    ]
    assert len({tuple(sorted((k, v) for k, v in each.items() if k != "run")) for each in evaluations}) == 1
    assert evaluations[0]["epsilon"] == "[0.1,0.2]"
    assert {each["run"] for each in evaluations} == {f"cell:r0/{name}" for name in ("standard", "pgd_at", "trades",
            "pgd_at_gan_plain", "pgd_at_gan_diffaugment", "pgd_at_gan70_plain", "pgd_at_gan70_diffaugment", "pgd_at_gaussian",
            "pgd_at_advgan")}  # fmt: skip


@pytest.mark.parametrize(
    ("override", "reason"),
    [
        ("study.epsilon=1.5", "epsilon=1.5"),
        ("study.weaker=[0]", "epsilon=0"),
        ("study.arms=[pgd_at,pgd_at_gan,pgd_at_advgan]", "needs standard"),
        ("study.arms=[standard,pgd_att]", "has no 'pgd_att'"),
        ("study.fraction=1.0", "study.fraction=1.0 must be between 0 and 1"),
        ("study.strong_count=0", "study.strong_count=0 must be at least 1"),
        ("study.labels_per_class=1000", "labels_per_class=1000 must be from 1 to"),
        ("study.strong=[epsilon]", "must choose an attack"),
        ("study.gan_choices.plain=3", "study.gan_choices.plain=3 must be a list of overrides"),
        ("study.gan_choices.plain=[3]", "must be a list of overrides"),
    ],
)
def test_settings_that_do_not_fit_are_refused(cache_dir: Path, override: str, reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        planned_by(cache_dir, "study=robust_at", override)


def made_up(cell: Cell, run: Path) -> dict[str, Any]:
    """Made-up: pgd_at_gan is 4 points above pgd_at under PGD in each replicate, give or take.

    The GAN that val does not choose, the plain one, is better on test.
    """
    arm, r, plain = str(cell.tags.get("arm")), int(cell.tags["replicate"]), cell.tags.get("candidate") == "plain"
    if cell.verb != "attack":
        result = trained(0.9, val=0.99 if plain else 0.9)  # without attacks: decides nothing
        result["metrics"]["val/robust_accuracy/pgd@25.5/255"] = {"value": 0.6 if plain else 0.65}
        return result
    robust = 0.9 if plain else ROBUST.get(arm, 0.70) + 0.002 * r * (arm == "pgd_at_gan")
    corrupted = 0.8 if arm == "pgd_at" else 0.6
    if cell.tags["part"] == "strong_attack":
        return attacked(0.9, {"ensemble": robust - 0.02}, epsilons=(0.1,))
    return attacked(
        CLEAN.get(arm, 0.9), {"pgd": robust}, epsilons=(0.05, 0.1), corrupted=corrupted, ece=0.05,
        flags=("something is odd.",) if arm == "trades" else (),
    )  # fmt: skip


@pytest.fixture(scope="module")
def analysis(cache_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Analysis:
    subject, cells = planned_by(cache_dir, "study=robust_at")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sparring.study.robust_at.training_pictures", lambda *_, **__: [])  # its runs were never made
        return subject.analyse(results(subject, cells, tmp_path_factory.mktemp("robust"), made_up))


def test_the_verdict_is_about_pgd(analysis: Analysis) -> None:
    primary = analysis.comparisons[0]
    assert (primary.arm, primary.baseline, analysis.verdict) == ("pgd_at_gan", "pgd_at", "HELPS")
    assert primary.values == pytest.approx([74 + 0.2 * r for r in range(6)])
    assert primary.delta == pytest.approx(4.5)
    assert "points of accuracy under PGD-50 at 25.5/255 (0.1)" in analysis.conclusion
    assert "standard hurts against pgd_at (−68.00" in analysis.conclusion
    assert "WARNING" not in analysis.conclusion
    assert sum(each.primary for each in analysis.comparisons) == 1


def test_an_arm_without_attacks_that_is_as_robust_is_said_at_any_number_of_replicates(
    cache_dir: Path, tmp_path: Path, no_pictures: None
) -> None:
    for study_, plain, robust in (("robust_at", "standard", "pgd_at"), ("corruptions", "aug", "pgd_at")):
        subject, cells = planned_by(cache_dir, f"study={study_}", "study.replicates=2")

        def alike(cell: Cell, run: Path) -> dict[str, Any]:
            if cell.verb != "attack":
                return made_up(cell, run)
            kept = {plain: 0.7, robust: 0.65}.get(str(cell.tags.get("arm")), 0.6)  # noqa: B023
            return attacked(0.9, {"pgd": kept, "ensemble": kept}, epsilons=(0.05, 0.1, 0.2))

        said = subject.analyse(results(subject, cells, tmp_path / study_, alike)).conclusion
        assert f"WARNING: the arm {plain}, trained without attacks, keeps 70.0 % under PGD-" in said
        assert f"and {robust}, trained against them, 65.0 %" in said


def test_the_combined_page_has_every_arm_and_measure(analysis: Analysis) -> None:
    combined = table(analysis, "Accurate, robust, calibrated")
    rows = {row[0]: dict(zip(combined.columns[1:], row[1:], strict=True)) for row in combined.rows}
    assert rows["standard"]["clean accuracy, %"] == "99.00 ± 0.00"
    assert rows["pgd_at"]["PGD-50, %"] == "70.00 ± 0.00"
    assert rows["pgd_at"]["stronger attack, 100 images, %"] == "68.00 ± 0.00"
    assert rows["pgd_at"]["under corruptions, %"] == "75.00 ± 0.00"
    # standard errs in 0.4 and 0.5, pgd_at in 0.2 and 0.3 of the images: the mean of 1/2 and 3/5
    assert (rows["pgd_at"]["mCE against standard"], rows["standard"]["mCE against standard"]) == (
        "0.55 ± 0.00",
        "1.00 ± 0.00",
    )
    assert (rows["pgd_at"]["ECE, %"], rows["pgd_at"]["ECE under corruptions, %"]) == ("5.00 ± 0.00", "10.00 ± 0.00")
    robust, calibrated, curve = analysis.plots
    lines = {line.label: line.y for line in robust.lines}
    index = robust.x.index("pgd_at_gan")
    assert (lines["clean"][index], lines["PGD-50"][index]) == pytest.approx((90, 74.5))
    assert [line.label for line in calibrated.lines] == ["clean", "under corruptions"]
    assert curve.x == (0.0, 0.05, 0.1)


def test_flags_are_reported_and_published_numbers_are_a_table_of_their_own(analysis: Analysis) -> None:
    flags = {row[0]: row[1:] for row in table(analysis, "Signs of attacks").rows}
    assert flags["trades"] == ("something is odd.", "6")
    assert flags["pgd_at"][0] == "none"
    published = table(analysis, "Published")
    assert all(row[1] == "–" and row[-1].startswith("no: ") for row in published.rows)


def test_unequal_training_is_refused(cache_dir: Path, tmp_path: Path) -> None:
    subject, cells = planned_by(cache_dir, "study=robust_at")

    def longer(cell: Cell, run: Path) -> dict[str, Any]:
        made = made_up(cell, run)
        return (
            made | {"clock": {"iteration": 9, "images_seen": 72}} if cell.name == "r1/pgd_at_gan_diffaugment" else made
        )

    with pytest.raises(ConfigError, match="not trained equally long"):
        subject.analyse(results(subject, cells, tmp_path, longer))


def test_a_corruption_without_errors_of_the_baseline_is_left_out_and_named(
    cache_dir: Path, tmp_path: Path, no_pictures: None
) -> None:
    subject, cells = planned_by(cache_dir, "study=robust_at")

    def easy(cell: Cell, run: Path) -> dict[str, Any]:
        made = made_up(cell, run)
        if cell.tags.get("arm") == "standard" and cell.verb == "attack" and cell.tags["replicate"] == 2:
            made["corruptions"]["table"]["jpeg"] = [{"severity": s, "accuracy": 1.0, "ece": 0.0} for s in range(1, 6)]
        return made

    combined = table(subject.analyse(results(subject, cells, tmp_path, easy)), "Accurate")
    assert "Without jpeg, where standard makes no error." in combined.note
    rows = {row[0]: dict(zip(combined.columns[1:], row[1:], strict=True)) for row in combined.rows}
    assert rows["pgd_at"]["mCE against standard"] == "0.50 ± 0.00"


@pytest.mark.slow
def test_a_tiny_one_runs(tmp_path: Path, cache_dir: Path) -> None:
    """With two classes, for which APGD's targeted attack and its loss DLR have to give way."""
    strong = [
        "attack=ensemble",
        "~attack.attacks.fab_t",
        "attack.attacks.apgd_ce.steps=2",
        "attack.attacks.apgd_t.steps=2",
        "attack.attacks.square.queries=5",
    ]
    tiny = ["study.replicates=2", "study.arms=[standard,pgd_at,pgd_at_gan,pgd_at_advgan]", "study.advgan_steps=2",
            "study.gan_steps=2", "study.steps=3", "study.labels_per_class=null", "study.epsilon=0.2", "study.weaker=[0.1]",
            "~study.gan_choices.diffaugment", "study.inner_steps=2", f"study.strong={json.dumps(strong)}",
            "study.pool=1", "study.pgd_steps=2", "study.count=20", "study.strong_count=10", "data.classes=[0,1]",
            "data.image_size=8", "executor=inline"]  # fmt: skip
    result = study(compose("study", ["study=robust_at", *tiny, f"paths.cache_dir={cache_dir}"]), tmp_path / "study")
    assert {each["state"] for each in result["cells"].values()} == {"finished"}
    evaluations = [RunDir.open(tmp_path / f"study/cells/r{r}/evaluation_pgd_at_gan_plain").result() for r in (0, 1)]
    records = [next(row for row in each["attacks"]["pgd"] if row["epsilon"] == 0.2) for each in evaluations]
    robust = [100 * record["accuracy"] for record in records]
    assert result["analysis"]["comparisons"][0]["values"] == pytest.approx(robust)
    assert not any(math.isnan(value) for value in robust)
    assert "Accurate, robust, calibrated" in (tmp_path / "study/report.html").read_text()
