"""explain.py on a classifier trained for a second and on an untrained GAN: what it writes, and how it refuses."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from omegaconf import OmegaConf

from sparring.core.errors import CheckpointError, ConfigError, DataError
from sparring.explanation.counterfactual_set import write_counterfactuals
from sparring.explanation.counterfactuals import Counterfactuals
from sparring.explanation.settings import ExplainSettings
from sparring.explanation.subject import subject_of
from sparring.run.directory import RunDir
from sparring.stage.explain import explain
from sparring.trained.runs import Runs
from tests.conftest import TINY, compose, trained_here
from tests.stage.test_result_schema import result_of

FEW = ["count=12", "curve_steps=4", "squares=4", "sanity=2", "pictured=2", "device=cpu"]


def explained(run: Path | str, out: Path, cache_dir: Path, *overrides: str) -> dict[str, Any]:
    config = compose(f"run={run}", *FEW, f"paths.cache_dir={cache_dir}", *overrides, config="explain", run_dir=out)
    OmegaConf.resolve(config)
    return explain(config, out)


@pytest.fixture(scope="module")
def gan_run(tmp_path_factory: pytest.TempPathFactory, cache_dir: Path) -> Path:
    return trained_here(tmp_path_factory.mktemp("gan") / "run", cache_dir, *TINY, "trainer.max_steps=2")


@pytest.fixture(scope="module")
def permuted_run(tmp_path_factory: pytest.TempPathFactory, cache_dir: Path) -> Path:
    keys = [
        "model=classifier",
        "data.image_size=8",
        "trainer.max_steps=4",
        "model.backbone.width=8",
        "data.permuted_labels=true",
    ]
    return trained_here(tmp_path_factory.mktemp("permuted") / "run", cache_dir, *keys)


@pytest.mark.slow
def test_a_classifier_gets_maps_with_controls_and_checks(
    victim_run: Path, gan_run: Path, permuted_run: Path, cache_dir: Path, tmp_path: Path
) -> None:
    keys = [
        f"permuted={permuted_run}",
        f"generator={gan_run}",
        "to=8",
        "counterfactuals=3",
        "restarts=2",
        "invert_steps=2",
    ]
    explained(victim_run, tmp_path / "out", cache_dir, *keys)
    result = result_of(tmp_path / "out")
    table = {row["method"]: row for row in result["attributions"]["table"]}
    methods = ["integrated_gradients", "grad_cam", "smooth_grad", "occlusion"]
    assert list(table) == [*methods, "random", "centred"]
    assert [name for name, row in table.items() if row["control"]] == ["random", "centred"]
    assert (result["subject"], result["cost"]["images"]) == ("classifier", 12)
    metric = result["metrics"]["test/insertion_minus_deletion/occlusion"]
    assert metric["value"] == table["occlusion"]["gain"]["value"]
    assert metric["protocol"]["method"] == "occlusion"
    lost = {name for name in methods if not all(table[name]["beats"].values())}
    assert {flag.split()[0] for flag in result["flags"] if "does not beat" in flag} == lost
    sanity = result["attributions"]["sanity"]
    assert set(sanity["methods"]) == set(methods)
    assert all(len(each["cascading"]) == len(sanity["layers"]) == 7 for each in sanity["methods"].values())
    permuted = result["attributions"]["permuted"]
    assert set(permuted["methods"]) == set(methods)
    assert permuted["learned"] < 0.5  # in four steps: chance, as the labels say nothing
    assert any("permuted labels" in flag for flag in result["flags"]) == any(
        each["absolute"] is not None and each["absolute"] >= 0.5 for each in permuted["methods"].values()
    )
    counterfactuals = result["counterfactuals"]
    assert (counterfactuals["images"], counterfactuals["to"], counterfactuals["restarts"]) == (3, "8", 2)
    assert set(counterfactuals["frechet"]) == {"real", "reconstruction", "counterfactual", "adversary"}
    missed = any("no move of the latent" in flag for flag in result["flags"])
    assert missed == (counterfactuals["validity"] < 1)
    assert (tmp_path / "out" / "images" / "counterfactuals.png").exists()
    page = (tmp_path / "out" / "report.html").read_text()
    assert "insertion - deletion" in page
    assert "data:image/png;base64," in page


@pytest.mark.slow
def test_counterfactuals_are_images_to_learn_from_and_no_test_image_of_theirs_is_forgotten(
    victim_run: Path, gan_run: Path, cache_dir: Path, tmp_path: Path
) -> None:
    runs = Runs()
    origin = runs.generator(str(gan_run)).origin
    image = torch.linspace(-1, 1, 3)[:, None, None, None].expand(3, 1, 8, 8)
    target, valid = torch.tensor([4, 5, 6]), torch.tensor([True, False, True])
    found = Counterfactuals(image, image, image, image, target, target, valid, {"generator": origin})
    mixed = [
        "model=classifier",
        "data.image_size=8",
        "data/mix=images",
        "trainer.max_steps=1",
        "model.backbone.width=8",
    ]
    for split in ("train", "test"):
        keys = [
            f"run={victim_run}",
            f"generator={gan_run}",
            f"split={split}",
            "format=[parquet]",
            f"paths.cache_dir={cache_dir}",
        ]
        config = compose(*keys, *FEW, config="explain", run_dir=tmp_path / split)
        OmegaConf.resolve(config)
        settings, run = ExplainSettings.of(config), RunDir.create(tmp_path / split)
        assert write_counterfactuals(settings, subject_of(settings, runs), found, runs, run) == {
            "parquet": "samples.parquet"
        }
        if split == "train":
            with pytest.raises(DataError, match="no counterfactual is valid"):
                write_counterfactuals(
                    settings, subject_of(settings, runs), replace(found, valid=~valid & False), runs, run
                )
    trained_here(tmp_path / "run", cache_dir, *mixed, f"data.mix.images=[{tmp_path / 'train'}]")
    mix = RunDir.open(tmp_path / "run").result()["data"]["origin"]["mix"]
    assert mix["per_class"] == [0, 0, 0, 0, 1, 0, 1, 0, 0, 0]
    with pytest.raises(DataError, match="test"):
        trained_here(tmp_path / "leak", cache_dir, *mixed, f"data.mix.images=[{tmp_path / 'test'}]")


@pytest.mark.slow
def test_a_generator_gets_directions_and_units(
    gan_run: Path, victim_run: Path, cache_dir: Path, tmp_path: Path
) -> None:
    keys = ["codes=4", "directions=2", "direction.pca.codes=32", "direction.boundary.codes=40", "units=3"]
    explained(gan_run, tmp_path / "out", cache_dir, f"classifier={victim_run}", *keys)
    result = result_of(tmp_path / "out")
    assert (result["subject"], result["attributions"]) == ("generator", None)
    assert {name: len(each) for name, each in result["generator"]["directions"].items()} == dict.fromkeys(
        ("sefa", "pca", "boundary", "random"), 2
    )
    assert len(result["generator"]["ablation"]["rows"]) == 3
    assert all(len(row["logit_change"]) == 10 for row in result["generator"]["directions"]["sefa"])
    assert "path_length/sefa_1" in result["metrics"]
    assert {path.stem for path in (tmp_path / "out" / "images").glob("*.png")} == {
        f"directions_{name}" for name in ("sefa", "pca", "boundary", "random")
    }
    assert "Units of" in (tmp_path / "out" / "report.html").read_text()


@pytest.mark.slow
def test_a_generator_alone_says_what_is_missing(gan_run: Path, cache_dir: Path, tmp_path: Path) -> None:
    keys = ["codes=2", "directions=1", "direction.pca.codes=8"]
    result = explained(gan_run, tmp_path / "out", cache_dir, *keys)
    assert list(result["generator"]["directions"]) == ["sefa", "pca", "random"]
    assert result["generator"]["ablation"] is None
    assert any("give classifier=" in flag for flag in result["flags"])
    with pytest.raises(ConfigError, match="label=10 is no class"):
        explained(gan_run, tmp_path / "class", cache_dir, "label=10")
    with pytest.raises(ConfigError, match="space=w asks for styles"):
        explained(gan_run, tmp_path / "space", cache_dir, "space=w")


@pytest.mark.slow
def test_a_discriminator_is_explained_by_its_logit(gan_run: Path, cache_dir: Path, tmp_path: Path) -> None:
    result = explained(
        gan_run,
        tmp_path / "out",
        cache_dir,
        "subject=discriminator",
        "attribution=occlusion",
        "sanity=0",
        "explained=3",
    )
    assert result["subject"] == "discriminator"
    assert [row["method"] for row in result["attributions"]["table"]] == ["occlusion", "random", "centred"]
    assert result["attributions"]["sanity"] is None
    assert "sigmoid" in result["protocol"]["probability"]


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["generator={gan}", "to=ten"], r"to=ten is no class of this run\. It has 0, 1, "),
        (["explained=10"], r"explained=10 is no class of this run\. It has 0, 1, "),
        (
            ["attribution=grad_cam", "attribution.layer=nowhere"],
            r"layer=nowhere is no layer .*the layers are blocks.0, ",
        ),
        (["attribution.grad_cam.layer=blocks.99"], r"layer=blocks.99 is no layer"),
        (["format=[parquet]"], r"need generator=<GAN's run>; give one"),
        (["permuted={victim}"], r"was trained on true labels; train one with data.permuted_labels=true"),
    ],
)
def test_what_there_is_not_is_refused(
    overrides: list[str], message: str, victim_run: Path, gan_run: Path, cache_dir: Path, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=message):
        explained(
            victim_run,
            tmp_path / "out",
            cache_dir,
            *(each.format(gan=gan_run, victim=victim_run) for each in overrides),
        )


@pytest.mark.parametrize("subject", ["discriminator", "generator"])
def test_a_run_of_the_wrong_kind_is_refused(subject: str, victim_run: Path, cache_dir: Path, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=f"holds no {subject}; give the directory"):
        explained(victim_run, tmp_path / "out", cache_dir, f"subject={subject}")
