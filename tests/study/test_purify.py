"""purify: a defence is evaluated by its worst attack, and what the others suggest is reported too."""

from pathlib import Path
from typing import Any

import pytest

from sparring.config.compose import compose
from sparring.core.errors import ConfigError
from sparring.stage.study import study
from sparring.study.engine.cell import Cell
from tests.study.attacked import attacked
from tests.study.fabricated import planned_by, results, settings, trained

PRIMARY = "purified L=100 R=1"


def made_up(cell: Cell, run: Path) -> dict[str, Any]:
    """Accuracy under PGD is 5 % without a defence; with it 80 % under a transfer and 3 % under BPDA."""
    if cell.verb != "attack":
        return trained(0.9)
    if cell.tags["defence"] == "no defence":
        return attacked(0.95, {"fgsm_transfer": 0.2, "pgd_transfer": 0.05})
    bpda = 0.03 + 0.001 * int(cell.tags["replicate"])
    return attacked(0.85, {"fgsm_transfer": 0.82, "pgd_transfer": 0.80, "bpda": bpda})


def test_transfers_come_from_the_undefended_classifier(cache_dir: Path) -> None:
    _, cells = planned_by(cache_dir, "study=purify")
    by_name = {each.name: settings(each) for each in cells}
    none, purified = by_name["r1/undefended"], by_name["r1/purified_100x1"]
    assert none["run"] == purified["run"] == purified["attack.pgd_transfer.run"] == "cell:r1/classifier"
    assert purified["defence.generator"] == "cell:r1/gan"
    assert "+attack@attack.bpda" in purified.keys() - none.keys()
    assert {key: purified[key] for key in none} == none  # nothing else of the attack differs
    one_step = [none[f"attack.fgsm_transfer.attack.{key}"] for key in ("steps", "step_size", "start")]
    assert one_step == ["1", none["epsilon"], "image"]


def test_the_verdict_is_about_the_worst_attack(cache_dir: Path, tmp_path: Path) -> None:
    subject, cells = planned_by(cache_dir, "study=purify")
    analysis = subject.analyse(results(subject, cells, tmp_path, made_up))
    primary = analysis.comparisons[0]
    assert (primary.arm, primary.where) == (PRIMARY, "worst attack")
    assert primary.baseline_values == pytest.approx([5.0] * 6)
    assert primary.values == pytest.approx([3 + 0.1 * r for r in range(6)])
    assert analysis.verdict == "HURTS"
    seeming = next(it for it in analysis.comparisons if it.arm == PRIMARY and it.where.startswith("PGD"))
    assert (seeming.delta, seeming.verdict) == (pytest.approx(75), "HELPS")
    assert "from 5.00 ± 0.00 % to 80.00 ± 0.00 %; under BPDA" in analysis.conclusion
    assert "must be evaluated with BPDA" in analysis.conclusion
    rows = {row[0]: row[1:] for row in analysis.tables[0].rows}
    assert rows["no defence"] == ("95.00 ± 0.00", "20.00 ± 0.00", "5.00 ± 0.00", "as PGD", "5.00 ± 0.00")
    assert rows[PRIMARY][3:] == ("3.25 ± 0.19", "3.25 ± 0.19")


@pytest.mark.parametrize(
    ("override", "reason"),
    [
        ("study.grid=[[10]]", "must hold pairs"),
        ("study.primary=[7,7]", "must be one of study.grid"),
        ("study.epsilon=0", "epsilon=0"),
        ("study.count=0", "study.count=0"),
    ],
)
def test_settings_that_do_not_fit_are_refused(cache_dir: Path, override: str, reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        planned_by(cache_dir, "study=purify", override)


@pytest.mark.slow
def test_a_tiny_one_runs(tmp_path: Path, cache_dir: Path) -> None:
    tiny = ["study.replicates=2", "study.grid=[[2,1]]", "study.primary=[2,1]", "study.steps=3", "study.gan_steps=2",
            "study.attack_steps=2", "study.bpda_steps=2", "study.count=8", "data.image_size=8", "executor=inline"]  # fmt: skip
    result = study(compose("study", ["study=purify", *tiny, f"paths.cache_dir={cache_dir}"]), tmp_path / "study")
    assert {each["state"] for each in result["cells"].values()} == {"finished"}
    assert [row[0] for row in result["analysis"]["tables"][0]["rows"]] == ["no defence", "purified L=2 R=1"]
