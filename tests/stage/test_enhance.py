"""enhance.py on a restorer and an SRGAN trained for moments on digits: what it writes, and how it refuses."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from omegaconf import OmegaConf
from PIL import Image

from sparring.core.errors import CheckpointError, ConfigError, DataError
from sparring.run.directory import RunDir
from sparring.stage.enhance import enhance
from tests.conftest import compose, trained_here
from tests.stage.test_result_schema import result_of

SMALL = ["data.image_size=8", "model.enhancer.width=4", "model.enhancer.blocks=1"]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def restorer(tmp_path_factory: pytest.TempPathFactory, cache_dir: Path) -> Path:
    keys = ["model=restorer", *SMALL, "model.degradation.noise=0.2", "trainer.max_steps=60"]
    return trained_here(tmp_path_factory.mktemp("restorer") / "run", cache_dir, *keys)


@pytest.fixture(scope="module")
def srgan(tmp_path_factory: pytest.TempPathFactory, cache_dir: Path, victim_run: Path) -> Path:
    keys = [
        "model=srgan",
        *SMALL,
        "model.discriminator.width=4",
        f"model.classifier={victim_run}",
        "trainer.max_steps=2",
    ]
    weights = ["model.task_weight=0.1", "model.feature_weight=0.1"]
    return trained_here(tmp_path_factory.mktemp("srgan") / "run", cache_dir, *keys, *weights)


def enhanced(run: Path, out: Path, cache_dir: Path, *overrides: str) -> dict[str, Any]:
    keys = ["count=40", "pictured=2", "device=cpu", f"paths.cache_dir={cache_dir}"]
    config = compose(f"run={run}", *keys, *overrides, config="enhance", run_dir=out)
    OmegaConf.resolve(config)
    return enhance(config, out)


def test_a_trained_restorer_is_better_than_bicubic(restorer: Path) -> None:
    metrics = result_of(restorer)["metrics"]
    assert metrics["test/psnr"]["value"] > metrics["test/bicubic_psnr"]["value"]
    assert metrics["test/ssim"]["value"] > metrics["test/bicubic_ssim"]["value"]


def test_versions_are_compared_and_written(
    restorer: Path, srgan: Path, victim_run: Path, cache_dir: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    enhanced(restorer, out, cache_dir, f"beside=[{srgan}]", f"classifier={victim_run}", "format=[folder,parquet]")
    result = result_of(out)
    rows = {row["version"]: row for row in result["comparison"]}
    assert list(rows) == ["bicubic", "enhanced", srgan.name, "original"]
    assert rows["enhanced"]["psnr"] > rows["bicubic"]["psnr"]
    assert result["metrics"]["test/accuracy/original"]["value"] == rows["original"]["accuracy"]
    assert len(list((out / "folder").rglob("*.png"))) == 40
    assert json.loads((out / "manifest.json").read_text())["settings"]["count"] == 40
    assert (out / "images" / "comparison.png").exists()
    assert "Nearness to the originals" in (out / "report.html").read_text()


def test_a_classifier_learns_from_enhanced_training_images_and_not_from_test_images(
    restorer: Path, cache_dir: Path, tmp_path: Path
) -> None:
    mixed = ["model=classifier", "data.image_size=8", "data/mix=images", "trainer.max_steps=1"]
    for split in ("train", "test"):
        enhanced(restorer, tmp_path / split, cache_dir, f"split={split}", "format=[parquet]")
    trained_here(tmp_path / "run", cache_dir, *mixed, f"data.mix.images=[{tmp_path / 'train'}]")
    assert RunDir.open(tmp_path / "run").result()["data"]["origin"]["mix"]["sets"][0]["count"] == 40
    with pytest.raises(DataError, match="test"):
        trained_here(tmp_path / "leak", cache_dir, *mixed, f"data.mix.images=[{tmp_path / 'test'}]")


def test_files_of_any_size_are_enhanced(restorer: Path, cache_dir: Path, tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    Image.new("RGBA", (21, 13), (10, 200, 30, 128)).save(photos / "colour.png")
    Image.new("L", (5, 9), 90).save(photos / "grey.png")
    enhanced(restorer, tmp_path / "out", cache_dir, f"images={photos}", "tile=8")
    result = result_of(tmp_path / "out")
    assert (result["comparison"], result["cost"]["images"]) == (None, 2)
    with (tmp_path / "out" / "manifest.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["size"], row["enhanced_size"], row["channels"]) for row in rows] == [
        ("21x13", "42x26", "4"),
        ("5x9", "10x18", "1"),
    ]
    with Image.open(tmp_path / "out" / rows[0]["file"]) as image:
        assert (image.size, image.mode) == ((42, 26), "RGBA")


def test_what_cannot_be_enhanced_is_refused(restorer: Path, victim_run: Path, cache_dir: Path, tmp_path: Path) -> None:
    with pytest.raises(
        CheckpointError, match="holds no enhancer; give the directory of a training run with model=restorer"
    ):
        enhanced(victim_run, tmp_path / "kind", cache_dir)
    with pytest.raises(ConfigError, match="leave one of the two out"):
        enhanced(restorer, tmp_path / "both", cache_dir, "images=x", f"classifier={victim_run}")
    with pytest.raises(ConfigError, match="split=all is none of"):
        enhanced(restorer, tmp_path / "split", cache_dir, "split=all")
