"""Runs that mix in what other runs made."""

from pathlib import Path
from typing import Any

from sparring.stage.generate import generate
from sparring.stage.train import train
from tests.conftest import TINY, compose

FEW = "data.labels_per_class=10"
CLASSIFIER = ["model=classifier", "data.image_size=8", "model.backbone.width=4", "data.batch_size=20", "report=false"]
GAN = [*TINY, "report=false", "trainer.max_steps=2", "data.batch_size=20", "trainer.val_check_interval=2"]


def run(path: Path, cache_dir: Path, *overrides: str) -> dict[str, Any]:
    path.mkdir(parents=True, exist_ok=True)
    return train(compose(*overrides, f"paths.cache_dir={cache_dir}", run_dir=path), path)


def images(source: Path, path: Path, count: int, *how: str) -> Path:
    config = compose(
        f"run={source}", f"count={count}", "paths.cache_dir=unused", "format=[parquet]", *how, config="generate",
        run_dir=path,
    )  # fmt: skip
    generate(config, path)
    return path


def mixed(tmp_path: Path, cache_dir: Path, *overrides: str) -> dict[str, Any]:
    """What result.json says of the mix in a run of two iterations."""
    result = run(tmp_path / "mixed", cache_dir, *CLASSIFIER, "trainer.max_steps=2", *overrides)
    return result["data"]["origin"]["mix"]


def folder_data(folder: Path) -> list[str]:
    return ["data=folder", f"data.path={folder}", "data.channels=1", "data.image_size=8", "data.num_classes=10"]
