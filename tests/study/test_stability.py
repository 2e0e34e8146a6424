"""stability: made-up trainings of known outcomes come out as a ranking, shares and a command."""

from pathlib import Path
from typing import Any

import pytest

from sparring.config.compose import compose
from sparring.core.errors import ConfigError
from sparring.stage.study import study
from sparring.study.engine.cell import Cell
from sparring.study.tables.analysis import Analysis
from sparring.study.tables.stability import RecipeCourse, heading
from tests.study.fabricated import planned_by, results, settings

SMALL = ("study=stability", "study.losses=[hinge,rpgan]", "study.regularizers=[[],[r1]]", "study.factors=[5,1]",
         "study.steps=40", "study.checks=4", "study.replicates=2")  # fmt: skip
STEADY = [9.0, 5.0, 3.0, 2.0]
# fd, diversity and agreement at each measurement, of the hinge loss without a regularizer at five times its rates, by seed
HARD: list[tuple[list[float], list[float], float]] = [
    ([9.0, 3.0, 7.0, 8.0, 9.0], [0.8, 0.9], 0.8),  # worse than twice its best three times in a row: diverged
    (STEADY, [0.8, 0.02], 0.8),  # one image per class, after it had more: collapsed
]


def made_up(cell: Cell, run: Path) -> dict[str, Any]:
    chosen, replicate = settings(cell), int(cell.tags["replicate"])
    hinge, plain = chosen["model/loss"] == "hinge", chosen["model/regularizer"] == "[]"
    fast = float(chosen["model.generator_optimizer.lr"]) > 0.005
    fd, diversity, agreement = (STEADY, [0.8, 0.9], 0.8)
    if hinge and plain and fast:
        fd, diversity, agreement = HARD[replicate]
    elif hinge and plain:
        agreement = 0.1 if replicate else 0.8  # by chance: never learned
    elif not hinge:
        fd = [value / 2 for value in STEADY]
    rows = [f"{10 * (i + 1)},{640 * (i + 1)},{value},1" for i, value in enumerate(fd)]
    (run / "quality.csv").write_text("iteration,images_seen,fd,best\n" + "\n".join(rows) + "\n")
    looks = [f"{20 * (i + 1)},{1280 * (i + 1)},1.0,{value},{agreement}" for i, value in enumerate(diversity)]
    (run / "metrics.csv").write_text(
        "iteration,images_seen,loss/generator,samples/diversity,samples/agreement\n" + "\n".join(looks) + "\n"
    )
    measured = {"value": agreement, "protocol": {"real_images_agreement": 0.95}}
    return {"metrics": {"train/agreement_pixels_200": measured}, "cost": {"seconds": 1.0, "cpu_seconds": 1.0}}


@pytest.fixture(scope="module")
def analysis(tmp_path_factory: pytest.TempPathFactory, cache_dir: Path) -> Analysis:
    subject, cells = planned_by(cache_dir, *SMALL)
    assert len(cells) == 2 * 2 * 2 * 2 == len({each.name for each in cells})
    assert [each.name for each in cells[:3]] == ["hinge_none_x1/r0", "hinge_none_x1/r1", "hinge_none_x5/r0"]
    first, second = settings(cells[0]), settings(cells[2])
    assert float(second["model.discriminator_optimizer.lr"]) == 5 * float(first["model.discriminator_optimizer.lr"])
    return subject.analyse(results(subject, cells, tmp_path_factory.mktemp("stability"), made_up))


def test_a_normalisation_is_a_part_of_the_recipe(cache_dir: Path) -> None:
    spectral = '+study.normalisations.spectral=["model.discriminator.spectral_norm=true"]'
    subject, cells = planned_by(cache_dir, *SMALL, spectral)
    assert len(subject.recipes) == 2 * 2 * 2  # type: ignore[attr-defined]
    by_name = {each.name: settings(each) for each in cells}
    assert by_name["hinge_r1_spectral_x1/r0"]["model.discriminator.spectral_norm"] == "true"
    assert "model.discriminator.spectral_norm" not in by_name["hinge_r1_as_is_x1/r0"]
    with pytest.raises(ConfigError, match="must make two or more recipes"):
        planned_by(cache_dir, *SMALL, "study.losses=[hinge]", "study.regularizers=[[]]")


def test_the_heading_names_what_varies(analysis: Analysis) -> None:
    assert analysis.tables[0].columns[0] == analysis.heat_maps[0].grid.row_label == "loss, regularizer"
    assert heading([RecipeCourse("hinge, r1, spectral", [], [])]) == "loss, regularizer, normalisation"


def test_recipes_are_ranked_by_how_often_they_trained_and_then_by_quality(analysis: Analysis) -> None:
    table = analysis.tables[0]
    assert [row[0] for row in table.rows] == ["rpgan, none", "rpgan, r1", "hinge, r1", "hinge, none"]
    assert table.rows[0][1:] == ("4 trained", "1 to 5", "1 at 1", "1", "2.56k", "0 of 4")
    assert table.rows[3][1:3] == ("1 trained, 1 collapsed, 1 diverged, 1 never learned", "–")
    assert table.rows[3][6] == "1 of 4, from 1.92k"
    assert "3 of 4 recipes trained at every rate and seed" in analysis.conclusion
    assert "Least often: hinge, none (1 trained, 1 collapsed, 1 diverged, 1 never learned)" in analysis.conclusion


def test_shares_stand_in_heat_maps_and_the_steadiest_is_marked(analysis: Analysis) -> None:
    maps = {each.title: each for each in analysis.heat_maps}
    assert maps["fd, at the end"].grid.marked == (2, 0)
    assert maps["Share of the seeds: collapsed"].values[0] == (0.0, 0.5)
    assert maps["Share of the seeds: diverged"].values[0] == (0.0, 0.5)
    assert maps["Share of the seeds: never learned"].values[0] == (0.5, 0.0)
    assert analysis.multiples is not None
    assert analysis.multiples.cells[0][1].state == "1 collapsed, 1 diverged"


def test_it_leaves_the_command_of_the_steadiest(analysis: Analysis) -> None:
    typed = [word.strip("'") for word in analysis.texts[0].content.split() if "=" in word]
    config = compose("train", typed)
    assert config.model.loss["_target_"].endswith("RpGAN")
    assert (dict(config.model.regularizer), config.trainer.max_steps) == ({}, 40)


@pytest.mark.parametrize(
    ("overrides", "reason"),
    [
        (["study.losses=[hinge]", "study.regularizers=[[]]"], "must make two or more recipes"),
        (["study.losses=[hinge,hinge]"], "none twice"),
        (["study.factors=[0]"], "numbers above 0"),
        (["study.model=classifier"], "has no generator and discriminator"),
        (["study.replicates=auto"], "give a number"),
    ],
)
def test_settings_that_do_not_fit_are_refused(cache_dir: Path, overrides: list[str], reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        planned_by(cache_dir, "study=stability", *overrides)


@pytest.mark.slow
def test_a_tiny_one_runs(tmp_path: Path, cache_dir: Path) -> None:
    tiny = [
        "study=stability", "study.losses=[hinge,rpgan]", "study.regularizers=[[]]", "study.factors=[1]", "study.replicates=2",
        "study.steps=2", "study.features=pixels", "study.samples=20", 'train=["debug=fast"]', "data.image_size=8",
        "executor=inline", f"paths.cache_dir={cache_dir}",
    ]  # fmt: skip
    result = study(compose("study", tiny), tmp_path / "study")
    assert {cell["state"] for cell in result["cells"].values()} == {"finished"}
    assert "hinge, none" in (tmp_path / "study" / "report.html").read_text()
