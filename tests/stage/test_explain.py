"""explain.py on a classifier trained for a second and on an untrained GAN: what it writes, and how it refuses."""

from pathlib import Path
from typing import Any

import pytest
from omegaconf import OmegaConf

from sparring.core.errors import CheckpointError, ConfigError
from sparring.stage.explain import explain
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


def test_a_classifier_gets_maps_with_controls_and_checks(victim_run: Path, cache_dir: Path, tmp_path: Path) -> None:
    explained(victim_run, tmp_path / "out", cache_dir)
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
    page = (tmp_path / "out" / "report.html").read_text()
    assert "insertion - deletion" in page
    assert "data:image/png;base64," in page


def test_a_discriminator_is_explained_by_its_logit(gan_run: Path, cache_dir: Path, tmp_path: Path) -> None:
    result = explained(gan_run, tmp_path / "out", cache_dir, "attribution=occlusion", "sanity=0", "explained=3")
    assert result["subject"] == "discriminator"
    assert [row["method"] for row in result["attributions"]["table"]] == ["occlusion", "random", "centred"]
    assert result["attributions"]["sanity"] is None
    assert "sigmoid" in result["protocol"]["probability"]


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["explained=10"], r"explained=10 is no class of this run; give one of 0, 1, "),
        (
            ["attribution=grad_cam", "attribution.layer=nowhere"],
            r"layer=nowhere is no layer .*the layers are blocks.0, ",
        ),
        (["attribution.grad_cam.layer=blocks.99"], r"layer=blocks.99 is no layer"),
    ],
)
def test_what_there_is_not_is_refused(
    overrides: list[str], message: str, victim_run: Path, cache_dir: Path, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=message):
        explained(victim_run, tmp_path / "out", cache_dir, *overrides)


def test_a_run_of_the_wrong_kind_is_refused(victim_run: Path, cache_dir: Path, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="holds no discriminator; give the directory"):
        explained(victim_run, tmp_path / "out", cache_dir, "subject=discriminator")
