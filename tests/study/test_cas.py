"""Classifiers of generated images alone: exact where the result is known, and a tiny study whose numbers are read correctly."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from sparring.config.build import build
from sparring.config.compose import compose as compose_verb
from sparring.core.errors import ConfigError
from sparring.run.directory import RunDir
from sparring.stage.study import study
from sparring.stage.train import train
from sparring.study.cas import CAS
from sparring.study.cells.recipes import images_mix
from sparring.study.engine.cell import Cell
from sparring.study.engine.context import StudyContext
from tests.conftest import compose

CLASSIFIER = ["model=classifier", "data.image_size=8", "data.labels_per_class=20", "data.crop=1", "report=false",
              "trainer.max_steps=150", "trainer.val_check_interval=150"]  # fmt: skip


def cells(cache_dir: Path, *overrides: str) -> dict[str, Cell]:
    config = compose_verb("study", ["study=cas", f"paths.cache_dir={cache_dir}", *overrides])
    return {cell.name: cell for cell in build(config.study, section="study").cells(StudyContext.read(config))}


def test_every_training_image_is_replaced_by_one_of_its_class(cache_dir: Path) -> None:
    by_name = cells(cache_dir)
    config = compose("data.image_size=16", f"paths.cache_dir={cache_dir}")
    data = build(config.data, section="data")
    data.setup("fit")
    pool = dict(item.split("=", 1) for item in by_name["r2/pool"].overrides)
    assert (int(pool["count"]), pool["label"]) == (len(data.train_labels), "prior")
    assert "data.mix.fraction=1.0" in by_name["r2/generated"].overrides
    few = dict(item.split("=", 1) for item in cells(cache_dir, "study.labels_per_class=7")["r0/pool"].overrides)
    assert few["count"] == "70"
    assert "data.mix.per_class=7" in cells(cache_dir, "study.labels_per_class=7")["r0/gaussian"].overrides


def test_gan_test_uses_the_classifier_of_the_same_replicate(cache_dir: Path) -> None:
    by_name = cells(cache_dir)
    assert "metric.features.run=cell:r4/real" in by_name["r4/gan_test"].overrides
    assert "images=cell:r4/pool" in by_name["r4/gan_test"].overrides


@pytest.mark.parametrize(
    ("override", "reason"),
    [
        ("study.arms=[real,generatd]", "has no 'generatd'"),
        ("study.baseline=replay", "must be real"),
        ("study.labels_per_class=1000", "labels_per_class=1000 must be from 1 to"),
    ],
)
def test_settings_that_do_not_fit_are_refused(cache_dir: Path, override: str, reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        cells(cache_dir, override)


def run(path: Path, cache_dir: Path, *overrides: str) -> float:
    """Test accuracy of a training in `path`."""
    path.mkdir()
    result: dict[str, Any] = train(compose(*CLASSIFIER, *overrides, f"paths.cache_dir={cache_dir}", run_dir=path), path)
    return result["metrics"]["test/accuracy"]["value"]


def image_set(folder: Path, image: torch.Tensor, label: torch.Tensor) -> str:
    """Class folders of PNG files, as the override that has a classifier trained on nothing else."""
    for number, (pixels, k) in enumerate(zip(image.numpy(), label.tolist(), strict=True)):
        (folder / str(k)).mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels[0]).save(folder / str(k) / f"{number:04d}.png")
    return f"data.mix.images=[{folder}]"


@pytest.mark.slow
def test_a_generator_that_replays_its_training_images_scores_as_real_ones_and_noise_as_chance(
    tmp_path: Path, cache_dir: Path
) -> None:
    config = compose(*CLASSIFIER, f"paths.cache_dir={cache_dir}")
    data = build(config.data, section="data")
    data.setup("fit")
    train_images = data.whole("train")
    noise = torch.from_numpy(np.random.default_rng(0).integers(0, 256, train_images.image.shape).astype(np.uint8))
    alone = [item for item in images_mix("pool", 1.0) if not item.startswith("data.mix.images")]
    only = [*alone, "data.mix.provenance=declared"]
    real = run(tmp_path / "real", cache_dir)
    replay = run(tmp_path / "replay", cache_dir, *only, image_set(tmp_path / "same", *train_images))
    chance = run(tmp_path / "noise", cache_dir, *only, image_set(tmp_path / "random", noise, train_images.label))
    assert real > 0.9
    assert replay == pytest.approx(real, abs=0.02)
    assert chance < 0.2


@pytest.mark.slow
def test_a_tiny_study_reads_its_cells(tmp_path: Path, cache_dir: Path) -> None:
    folder = tmp_path / "study"
    given = ["study=cas", "study.replicates=2", "study.steps=6", "study.gan_steps=2", "study.labels_per_class=10",
             "study.features=pixels",
             "data.image_size=8", "executor=inline", f"paths.cache_dir={cache_dir}"]  # fmt: skip
    result = study(compose_verb("study", given), folder)
    analysis = result["analysis"]
    pairs = {(each["arm"], each["baseline"]) for each in analysis["comparisons"]}
    assert pairs == {(arm, "real") for arm in set(CAS.ARMS) - {"real"}} | {("generated", "gaussian")}
    accuracy = [
        RunDir.open(folder / f"cells/r{r}/generated").result()["metrics"]["test/accuracy"]["value"] for r in (0, 1)
    ]
    assert analysis["comparisons"][0]["values"] == pytest.approx([100 * each for each in accuracy])
    evaluated = [RunDir.open(folder / f"cells/r{r}/gan_test").result()["records"][0]["value"] for r in (0, 1)]
    metrics = {row[0]: row for row in analysis["tables"][2]["rows"]}
    assert float(metrics["GAN-test, %"][1].split(" ± ")[0].replace("−", "-")) == pytest.approx(
        100 * np.mean(evaluated), abs=0.001
    )
    assert any(name.startswith("kid") for name in metrics)
    rows = analysis["tables"][3]["rows"]
    assert [float(row[2]) for row in rows] == pytest.approx([100 * each for each in accuracy], abs=0.005)
    by_class = analysis["plots"][1]
    assert len(by_class["x"]) == 10
    assert "GAN-test" in [line["label"] for line in by_class["lines"]]
