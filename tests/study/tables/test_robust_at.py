"""Val under attack chooses the GAN's training in robust_at, and the page says so and what it cost."""

from pathlib import Path
from typing import Any

import pytest

from sparring.core.errors import ConfigError
from sparring.study.engine.cell import Cell
from sparring.study.tables.analysis import Analysis
from tests.study.fabricated import no_pictures, planned_by, results, trained
from tests.study.test_robust_at import analysis, made_up, table

__all__ = ["analysis", "no_pictures"]


def test_val_under_attack_chooses_the_gan(analysis: Analysis) -> None:
    chosen = table(analysis, "What the generated arms were chosen from")
    assert {row[:2]: row[2:] for row in chosen.rows if row[0] == "pgd_at_gan70"} == {
        ("pgd_at_gan70", "plain"): ("60.00 ± 0.00", "90.00 ± 0.00", "0"),
        ("pgd_at_gan70", "diffaugment"): ("65.00 ± 0.00", "70.00 ± 0.00", "6"),
    }
    assert chosen.columns[2:] == (
        "val accuracy, under PGD where it was trained with attacks, %",
        "test accuracy under PGD-50 at 25.5/255 (0.1), %",
        "chosen",
    )
    strong = next(
        each for each in analysis.comparisons if each.measure.startswith("stronger") and each.arm == "pgd_at_gan70"
    )
    assert strong.values == pytest.approx([68] * 6)  # of the chosen candidate too


def test_runs_of_a_gan_that_val_did_not_choose_are_among_the_costs(analysis: Analysis) -> None:
    runs = {row[0]: int(row[-1]) for row in table(analysis, "Cost").rows}
    assert runs["pgd_at_gan"] == 6
    assert runs["candidates that val did not choose"] == 6 * 2 * 3  # of two arms a training and two attacks


def test_without_generated_images_nothing_is_said_of_a_choice(
    cache_dir: Path, tmp_path: Path, no_pictures: None
) -> None:
    arms = ["study.arms=[standard,pgd_at,trades]", "study.primary=trades"]
    subject, cells = planned_by(cache_dir, "study=robust_at", *arms)
    page = subject.analyse(results(subject, cells, tmp_path, made_up))
    assert not [each for each in page.tables if each.title.startswith("What the generated arms")]
    assert not [each for each in page.limits if "best of 2" in each]


def test_a_choice_needs_accuracy_under_attack_on_val(cache_dir: Path, tmp_path: Path, no_pictures: None) -> None:
    subject, cells = planned_by(cache_dir, "study=robust_at")

    def unmeasured(cell: Cell, run: Path) -> dict[str, Any]:
        return made_up(cell, run) if cell.verb == "attack" else trained(0.9)

    with pytest.raises(ConfigError, match="has no metrics > val/robust_accuracy"):
        subject.analyse(results(subject, cells, tmp_path, unmeasured))
