"""learning_rate: made-up trainings come out as heat maps, a recommended setting and a file that trains at it."""

from pathlib import Path
from typing import Any

import pytest
import torch

from sparring.config.compose import compose
from sparring.core.errors import ConfigError
from sparring.report import grids
from sparring.run.directory import RunDir
from sparring.stage.study import study
from sparring.study.engine.cell import Cell
from sparring.study.engine.context import StudyContext
from sparring.study.tables.analysis import Analysis
from sparring.study.tables.record import analysis_record
from tests.study.fabricated import planned_by, results, settings

SMALL = ("study=learning_rate", "study.factors=[0.5,1]", "study.steps=40", "study.checks=4")
FINAL = {  # of fd, by generator's and discriminator's rate
    (0.001, 0.001): 4.0, (0.001, 0.002): 2.0, (0.002, 0.001): 0.1, (0.002, 0.002): 6.0,
}  # fmt: skip


def made_up(cell: Cell, run: Path) -> dict[str, Any]:
    chosen = settings(cell)
    rates = (float(chosen["model.generator_optimizer.lr"]), float(chosen["model.discriminator_optimizer.lr"]))
    replicate = int(cell.tags["replicate"])
    collapsed = rates == (0.002, 0.001) and replicate == 1
    final = FINAL[rates] * (1.1 if replicate else 1.0)
    (run / "quality.csv").write_text(f"iteration,images_seen,fd,best\n20,1280,9,1\n40,2560,{final},1\n")
    (run / "metrics.csv").write_text(
        "iteration,images_seen,loss/generator,loss/discriminator,samples/diversity,samples/agreement\n"
        "20,1280,1.0,0.5,0.8,0.5\n"
        f"40,2560,1.2,0.4,{0.01 if collapsed else 0.9},0.8\n"
    )
    agreement = {"value": 0.8, "protocol": {"real_images_agreement": 0.95}}
    return {"metrics": {"train/agreement_pixels_200": agreement}, "cost": {"seconds": 1.0, "cpu_seconds": 1.0}}


@pytest.fixture(scope="module")
def analysis(tmp_path_factory: pytest.TempPathFactory, cache_dir: Path) -> Analysis:
    subject, cells = planned_by(cache_dir, *SMALL, 'train=["model/loss=hinge"]')
    assert len(cells) == 4 * 2 == len({each.name for each in cells})
    assert settings(cells[0])["callback.quality.every"] == "10"
    assert [settings(each)["seed"] for each in cells[:2]] == [settings(each)["seed"] for each in cells[2:4]]
    return subject.analyse(results(subject, cells, tmp_path_factory.mktemp("rates"), made_up))


def test_the_best_setting_that_held_is_recommended(analysis: Analysis) -> None:
    recommended = analysis.numbers["recommended"]
    assert recommended["rates"] == {"model.generator_optimizer.lr": 0.001, "model.discriminator_optimizer.lr": 0.002}
    assert recommended["mean"] == pytest.approx(2.0 * 1.1**0.5)
    assert "In 1 of 4 settings not every seed trained (1 collapsed)" in analysis.conclusion
    assert "study.rates.generator_optimizer=[0.0005,0.001,0.002]" in analysis.conclusion  # the best is on the border
    assert analysis.tables[0].rows[-1][0] == "G 0.002, D 0.001"  # collapsed in a seed: last, whatever its fd


def test_where_nothing_trained_any_search_says_so(cache_dir: Path, tmp_path: Path) -> None:
    subject, cells = planned_by(cache_dir, *SMALL, "study.search=random", "study.trials=2")

    def poor(cell: Cell, run: Path) -> dict[str, Any]:
        (run / "quality.csv").write_text("iteration,images_seen,fd,best\n40,2560,9,1\n")
        (run / "metrics.csv").write_text(
            "iteration,images_seen,samples/diversity,samples/agreement\n40,2560,0.01,0.8\n"
        )
        return {"metrics": {}, "cost": {"seconds": 1.0, "cpu_seconds": 1.0}}

    says = subject.analyse(results(subject, cells, tmp_path, poor)).conclusion
    assert says == "No setting trained within 40 iterations (4 never learned): give other rates, or more study.steps."


def test_heat_maps_and_small_multiples_share_a_grid(analysis: Analysis) -> None:
    titles = [each.title for each in analysis.heat_maps]
    assert titles == ["fd, at the end", "fd, best on the way", "Share of the seeds: collapsed"]
    assert analysis.heat_maps[2].values == ((0.0, 0.0), (0.5, 0.0))
    assert analysis.multiples is not None
    assert analysis.multiples.grid.marked == analysis.heat_maps[0].grid.marked == (0, 1)
    assert analysis.multiples.cells[1][0].state == "1 trained, 1 collapsed"
    record = analysis_record(analysis)
    cells = grids.heat_map(record["heat_maps"][0])["cells"]
    assert cells[0][1]["marked"]
    assert "0%" in cells[1][1]["background"]
    charts = grids.multiples(record["multiples"], Path("/nowhere"))["cells"][0][0]["charts"]
    assert [each.count("<polyline") for each in charts] == [4, 2]  # generator and discriminator, fd; of two seeds


def test_the_recipe_composes_to_what_its_command_says(analysis: Analysis, tmp_path: Path) -> None:
    command, recipe = analysis.texts
    places = {"hydra.searchpath": f"[file://{tmp_path / 'conf'}]"}
    target = tmp_path / recipe.file
    target.parent.mkdir(parents=True)
    target.write_text(recipe.content)
    typed = [word.strip("'") for word in command.content.split() if "=" in word]
    from_file = compose("train", [f"{key}={value}" for key, value in places.items()] + ["experiment=learning_rate"])
    from_command = compose("train", typed)
    for section in ("model", "data"):
        assert from_file[section] == from_command[section]
    assert from_file.model.discriminator_optimizer.lr == 0.002
    assert from_file.model.loss["_target_"].endswith("Hinge")
    assert (from_file.trainer.max_steps, from_file.data.image_size) == (40, 8)


@pytest.mark.parametrize(
    ("overrides", "reason"),
    [
        (["study.objective=kid"], "must be fd"),
        (["study.factors=[1]"], "has one point"),
        (["study.factors=[1,-1]"], "above 0"),
        (["study.rates.optimizer=[1e-3,1e-2]"], "this model has no optimizer; it has generator_optimizer and"),
        (["study.model=classifier", "study.objective=fd"], "needs a generator, and model=classifier has none"),
        (["study.search=bayes"], "must be grid, random or tpe"),
        (["study.search=tpe", "study.keep=0.5"], "give study.search=random"),
        (["study.keep=1.5"], "above 0 and below 1"),
        (["study.model=dcgan", "study.options.r1_gamma=[0.1,1]"], "model=dcgan has no r1 penalty"),
        (
            [
                "study.model=classifier",
                "study.options.ema_half_life=[1,2]",
                'train=["model/schedule=linear"]',
                "study.keep=0.4",
            ],
            "follow a schedule",
        ),
        (["study.options.beta1=[0,1]"], "from 0 to below 1"),
        (["study.options.batch_size=[32.5]"], "whole numbers"),
        (["study.objective=accuracy"], "needs a classifier, and model=rpgan has none: give study.objective=fd"),
    ],
)
def test_settings_that_do_not_fit_are_refused(cache_dir: Path, overrides: list[str], reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        planned_by(cache_dir, "study=learning_rate", *overrides)


def test_further_options_are_axes_too_and_a_batch_changes_the_steps(tmp_path: Path, cache_dir: Path) -> None:
    subject, cells = planned_by(
        cache_dir, "study=learning_rate", "study.factors=[1]", "study.options.beta1=[0,0.5]", "study.steps=40",
        "study.options.batch_size=[32,128]", "study.replicates=2",
    )  # fmt: skip
    assert len(cells) == 2 * 2 * 2
    first, last = settings(cells[0]), settings(cells[-1])
    assert cells[-1].name == "G0.002_D0.002_b0.5_n128/r1"
    assert (first["data.batch_size"], first["trainer.max_steps"], last["trainer.max_steps"]) == ("32", "80", "20")
    assert first["model.discriminator_optimizer.betas"] == "[0.0,0.99]"  # torch refuses the integer 0
    assert last["model.discriminator_optimizer.betas"] == "[0.5,0.99]"
    found = subject.analyse(results(subject, cells, tmp_path, best_at_the_largest))
    assert "beyond it" not in found.conclusion  # a list of values has no next one
    command = found.texts[0].content
    assert "trainer.max_steps=20" in command  # as many images as were measured
    assert "data.batch_size=128" in command


def best_at_the_largest(cell: Cell, run: Path) -> dict[str, Any]:
    chosen = settings(cell)
    last = float(chosen["data.batch_size"]) + (1 if "[0.5" in chosen["model.discriminator_optimizer.betas"] else 0)
    (run / "quality.csv").write_text(f"iteration,images_seen,fd,best\n10,1280,9,1\n20,2560,{1 / last},1\n")
    (run / "metrics.csv").write_text(
        "iteration,images_seen,loss/generator,loss/discriminator,samples/diversity,samples/agreement\n20,2560,1,1,0.9,0.8\n"
    )
    agreement = {"value": 0.8, "protocol": {"real_images_agreement": 0.95}}
    return {"metrics": {"train/agreement_pixels_200": agreement}, "cost": {"seconds": 1.0, "cpu_seconds": 1.0}}


def test_the_best_are_trained_on_and_the_others_are_pruned(tmp_path: Path, cache_dir: Path) -> None:
    subject, cells = planned_by(cache_dir, *SMALL, "study.keep=0.5")
    assert {each.name for each in cells} >= {"G0.001_D0.001/r0_at10", "G0.002_D0.002/r1_at10"}
    assert all(each.keeps_state and not each.continues for each in cells)
    sizes, context = [len(cells)], StudyContext.read(compose("study", ["data.image_size=8", *SMALL]))
    found = results(subject, cells, tmp_path / "0", made_up)
    while subject.more(found):
        cells = subject.cells(context)
        sizes.append(len(cells))
        found = results(subject, cells, tmp_path / str(len(sizes)), made_up)
    assert sizes == [8, 8 + 4, 8 + 4 + 2]
    last = {each.name: each for each in cells}["G0.001_D0.002/r0"]
    assert (last.continues, last.keeps_state) == ("G0.001_D0.002/r0_at20", False)
    analysis = subject.analyse(found)
    assert analysis.numbers["recommended"]["rates"]["model.discriminator_optimizer.lr"] == 0.002
    assert analysis.numbers["share_of_full_cost"] == pytest.approx((4 * 10 + 2 * 10 + 1 * 20) / (4 * 40))
    assert "4 for 10, 2 for 20 and 1 for 40 iterations, 50% of what" in analysis.conclusion
    assert sorted(row[4] for row in analysis.tables[0].rows)[:2] == ["1 collapsed, 1 pruned", "2 pruned"]


@pytest.mark.slow
def test_a_tiny_one_runs_and_divergence_is_a_result(tmp_path: Path, cache_dir: Path) -> None:
    tiny = [
        "study=learning_rate", "study.rates.generator_optimizer=[2e-3]", "study.rates.discriminator_optimizer=[2e-3,1e30]",
        "study.steps=4", "study.checks=2", "study.features=pixels", "study.samples=20", 'train=["debug=fast"]',
        "data.image_size=8", "executor=inline", f"paths.cache_dir={cache_dir}",
    ]  # fmt: skip
    result = study(compose("study", tiny), tmp_path / "study")
    states = {name: cell["state"] for name, cell in result["cells"].items()}
    assert states["G0.002_D1e+30/r0"] == "diverged"
    assert states["G0.002_D0.002/r0"] == "finished"
    assert RunDir.open(tmp_path / "study").status()["state"] == "finished"  # type: ignore[index]
    page = (tmp_path / "study" / "report.html").read_text()
    assert "Share of the seeds: diverged" in page
    assert "<polyline" in page
    assert "data:image" in page
    pruned = study(
        compose("study", [*tiny, "study.keep=0.5"]), tmp_path / "pruned"
    )  # of a surviving setting nothing changes
    assert len(pruned["cells"]) == 2 * 2 + 2 + 2
    one, other = (RunDir.open(tmp_path / name / "cells" / "G0.002_D0.002" / "r0") for name in ("study", "pruned"))
    weights = one.load_weights()
    assert all(torch.equal(weights[name], tensor) for name, tensor in other.load_weights().items())
