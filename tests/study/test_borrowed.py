"""borrowed: who is trained on what, and what the page answers."""

from pathlib import Path
from typing import Any

import pytest

from sparring.core.errors import ConfigError
from sparring.study.engine.cell import Cell
from tests.study.fabricated import planned_by, results, settings, trained

STUDY = ("study=borrowed", "study.labels_per_class=5")


def test_the_lender_sees_all_labels_and_the_borrower_its_own(cache_dir: Path) -> None:
    _, cells = planned_by(cache_dir, *STUDY)
    by_name = {each.name: settings(each) for each in cells}
    lender, own, classifier = by_name["r0/lender/gan"], by_name["r0/own/gan"], by_name["r0/aug"]
    assert "data.labels_per_class" not in lender
    assert own["data.labels_per_class"] == classifier["data.labels_per_class"] == "5"
    assert lender["data.split_seed"] == own["data.split_seed"] == classifier["data.split_seed"]
    assert by_name["r1/aug"]["data.split_seed"] != classifier["data.split_seed"]
    assert lender["trainer.max_steps"] == own["trainer.max_steps"]


def test_arms_take_image_sets_of_the_size_that_they_name(cache_dir: Path) -> None:
    _, cells = planned_by(cache_dir, *STUDY)
    by_name = {each.name: settings(each) for each in cells}
    counts = {arm: by_name[f"r0/lender/{arm}"]["count"] for arm in ("borrowed_50", "borrowed_200", "borrowed")}
    assert counts == {"borrowed_50": "50", "borrowed_200": "200", "borrowed": "1000"}
    arm = by_name["r0/borrowed_50"]
    assert (arm["data.mix.images"], arm["data.mix.extra_labels"]) == ("[cell:r0/lender/borrowed_50]", "true")
    assert "data.mix.extra_labels" not in by_name["r0/own_gan"]


def test_fewer_released_images_than_an_arm_takes_are_refused(cache_dir: Path) -> None:
    with pytest.raises(ConfigError, match=r"^study\.released=100 is fewer than the 200 images of arm borrowed_200: "):
        planned_by(cache_dir, *STUDY, "study.released=100")


def test_both_answers_stand_in_the_conclusion(cache_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sparring.study.borrowed.training_pictures", lambda *_, **__: [])
    subject, cells = planned_by(cache_dir, *STUDY, "study.arms=[aug,own_gan,borrowed,more_real]")

    def made_up(cell: Cell, run: Path) -> dict[str, Any]:
        if cell.verb == "evaluate":
            value = {"value": 90.0, "real_data_reference": 60.0}
            return {"records": [{"metric": name, **value} for name in ("authentic", "ratio")]}
        gain = {"borrowed": 0.06, "more_real": 0.08}.get(str(cell.tags.get("arm")), 0.0)
        noise = 0.002 * (-1) ** int(cell.tags["replicate"]) * (cell.tags.get("arm") != "aug")
        return trained(0.9 + gain + noise)

    analysis = subject.analyse(results(subject, cells, tmp_path, made_up))
    assert analysis.verdict == "HELPS"
    assert "Yes: adding images of the lender's generator helps" in analysis.conclusion
    assert (
        "No: adding images of a GAN of the own labelled images makes no difference larger than 1" in analysis.conclusion
    )
    privacy = next(table for table in analysis.tables if "gives away" in table.title)
    assert [row[1:] for row in privacy.rows] == [("90.00 ± 0.00", "60.00")] * 2
