"""A GAN with random weights and a classifier of the same 8 x 8 digits, as the playground loads them."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from sparring.config.compose import compose
from sparring.play.gan import Gan
from sparring.play.judge import Judge
from sparring.play.settings import PlaySettings
from sparring.play.studio import Studio
from sparring.run import weights as weights_file
from sparring.run.directory import RunDir
from sparring.trained.runs import Runs
from tests.stage.test_generate import trained


def numbered(run: Path) -> Path:
    """A GAN's run whose classes are called as those of the classifier, 0 to 9."""
    file = RunDir.open(run).weights
    tensors, metadata = weights_file.load(file), weights_file.stored_metadata(file)
    RunDir(run).save_weights(tensors, {**metadata, "classes": json.dumps([str(k) for k in range(10)])})
    return run


@pytest.fixture(scope="module")
def gan_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return numbered(trained(tmp_path_factory.mktemp("logs") / "train" / "gan"))


@pytest.fixture(scope="module")
def studio(gan_run: Path, victim_run: Path, cache_dir: Path) -> Studio:
    typed = [
        f"run='{gan_run}'",
        f"classifier='{victim_run}'",
        "device=cpu",
        "direction.pca.codes=40",
        "invert_steps=40",
        f"paths.cache_dir='{cache_dir}'",
    ]
    config = compose("play", typed)
    settings = replace(PlaySettings.of(config, typed), log_dir=gan_run.parents[1])
    return Studio(settings, replace(Runs.of(config), log_dir=settings.log_dir))


@pytest.fixture(scope="module")
def gan(studio: Studio, gan_run: Path, victim_run: Path) -> Gan:
    return studio.gan(str(gan_run), str(victim_run))


@pytest.fixture(scope="module")
def judge(studio: Studio, gan_run: Path, victim_run: Path) -> Judge:
    found = studio.judge(str(gan_run), str(victim_run))
    assert found is not None
    return found
