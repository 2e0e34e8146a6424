"""explanations: arms share all but their training, and the table and the verdict read the maps' faithfulness."""

from pathlib import Path
from typing import Any

import pytest

from sparring.core.errors import ConfigError
from sparring.study.engine.cell import Cell
from sparring.study.explanations import METHODS
from tests.study.fabricated import planned_by, results, settings, trained


def made_up(cell: Cell, run: Path) -> dict[str, Any]:
    """Integrated gradients are 10 points below the centred control of standard classifiers, and 10 above it of robust ones."""
    if cell.verb != "explain":
        return trained(0.9)
    robust, r = cell.tags["arm"] == "adversarial", int(cell.tags["replicate"])
    gains = {"random": 0.2, "centred": 0.5, "grad_cam": 0.6 + 0.001 * r, "smooth_grad": 0.3, "occlusion": 0.5}
    gains["integrated_gradients"] = (0.6 if robust else 0.4) + 0.001 * r
    table = [{"method": name, "gain": {"value": value}} for name, value in gains.items()]
    sanity = {"methods": {name: {"cascading_absolute": [0.1, 0.8]} for name in METHODS}}
    permuted = {"learned": 0.9, "methods": {"grad_cam": {"absolute": 0.25}, "occlusion": {"absolute": None}}}
    asked = any(item.startswith("permuted=") for item in cell.overrides)
    checks = {"sanity": sanity, "permuted": permuted if asked else None}
    return {"attributions": {"table": table, **checks}, "metrics": {}, "cost": {"seconds": 1.0}}


def test_arms_differ_in_their_training_alone(cache_dir: Path) -> None:
    _, cells = planned_by(cache_dir, "study=explanations", "study.arms=[standard,adversarial,semi_supervised]")
    by_name = {each.name: settings(each) for each in cells}
    standard, robust = by_name["r2/standard"], by_name["r2/adversarial"]
    assert {key: value for key, value in robust.items() if key not in standard} == {
        "model/robust": "pgd_at", "model.robust.epsilon": "0.2", "model.robust.steps": "5"
    }  # fmt: skip
    assert standard.items() <= robust.items()
    assert by_name["r2/semi_supervised"]["model"] == "ssgan"
    permuted, maps = by_name["r2/permuted"], by_name["r2/explanation_standard"]
    assert (permuted["data.permuted_labels"], permuted["data.crop"]) == ("true", "0")
    assert permuted["data.split_seed"] == standard["data.split_seed"]
    assert maps["permuted"] == "cell:r2/permuted"
    explained = by_name["r2/explanation_adversarial"]
    assert "permuted" not in explained
    assert (explained["run"], explained["subject"]) == ("cell:r2/adversarial", "classifier")
    assert explained["seed"] == by_name["r2/explanation_standard"]["seed"]


def test_table_and_answer(cache_dir: Path, tmp_path: Path) -> None:
    subject, cells = planned_by(cache_dir, "study=explanations")
    analysis = subject.analyse(results(subject, cells, tmp_path, made_up))
    primary = analysis.comparisons[0]
    assert (primary.measure, primary.arm, primary.baseline) == ("integrated_gradients", "adversarial", "standard")
    assert primary.delta == pytest.approx(20)
    assert str(analysis.verdict) == "HELPS"
    assert "grad_cam is above the centred control" in analysis.conclusion
    rows = {row[:2]: row[2:] for row in analysis.tables[0].rows}
    assert len(rows) == 2 * 6
    assert rows["standard", "integrated_gradients"][2].startswith("−9.75 [")
    assert rows["standard", "integrated_gradients"][3] == "0.80 ± 0.00"
    assert rows["standard", "centred"][1:] == ("control",) * 4
    assert rows["standard", "grad_cam"][4] == "0.25 ± 0.00"
    assert (rows["standard", "occlusion"][4], rows["adversarial", "grad_cam"][4]) == ("–", "–")
    assert "gives back 90.00 ± 0.00 % of them" in analysis.tables[0].note
    equal = next(each for each in analysis.comparisons if each.measure == "occlusion")
    assert equal.delta == pytest.approx(0)


def test_a_method_that_does_not_apply_is_left_out(cache_dir: Path, tmp_path: Path) -> None:
    def without_grad_cam(cell: Cell, run: Path) -> dict[str, Any]:
        result = made_up(cell, run)
        if cell.verb == "explain" and cell.tags["arm"] == "semi_supervised":
            result["attributions"]["table"] = [
                row for row in result["attributions"]["table"] if row["method"] != "grad_cam"
            ]
        return result

    subject, cells = planned_by(cache_dir, "study=explanations", "study.arms=[standard,adversarial,semi_supervised]")
    analysis = subject.analyse(results(subject, cells, tmp_path, without_grad_cam))
    rows = {row[:2]: row[2:] for row in analysis.tables[0].rows}
    assert rows["semi_supervised", "grad_cam"][0] == "–"


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("study.method=lime", "study.method=lime is none of"),
        ("study.epsilon=2", "epsilon=2"),
        ("study.count=0", "count=0"),
        ("study.permuted_steps=-1", "permuted_steps=-1"),
    ],
)
def test_settings_that_there_are_not_are_refused(override: str, message: str, cache_dir: Path) -> None:
    with pytest.raises(ConfigError, match=message):
        planned_by(cache_dir, "study=explanations", override)
