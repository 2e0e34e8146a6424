"""Which networks of a run can leave it; their files are tested in tests/stage/test_export.py."""

from pathlib import Path

import pytest
import torch

from sparring.core.errors import CheckpointError
from sparring.export.networks import portable
from sparring.trained.runs import Runs
from tests.conftest import trained_here

SMALL = ["data.image_size=8", "trainer.max_steps=1", "~callback.samples"]


def test_a_classifier_takes_images_and_gives_logits(victim_run: Path) -> None:
    (found,) = portable(Runs().model(victim_run))
    assert found.name == "classifier"
    assert found.network(*found.inputs).shape == (4, 10)
    assert found.takes == {"image": "(N, 1, 8, 8) float32, pixels scaled from 0 .. 255 to -1 .. 1"}


@pytest.mark.slow
def test_an_enhancer_takes_degraded_images(tmp_path: Path, cache_dir: Path) -> None:
    run = trained_here(tmp_path / "run", cache_dir, *SMALL, "model=restorer", "model.enhancer.width=8")
    (found,) = portable(Runs().model(run))
    assert found.takes == {"image": "(N, 1, 4, 4) float32, -1 to 1"}
    assert found.network(*found.inputs).shape == (4, 1, 8, 8)


@pytest.mark.slow
def test_an_unconditional_generator_says_that_labels_mean_nothing(tmp_path: Path, cache_dir: Path) -> None:
    none = ["model/conditioning=none", "model/head=none"]
    run = trained_here(tmp_path / "run", cache_dir, *SMALL, "model=gan", *none)
    (found,) = portable(Runs().model(run))
    assert found.takes["label"] == "(N,) int64, without meaning: give zeros"
    assert torch.equal(found.inputs[1], torch.zeros(4, dtype=torch.int64))


@pytest.mark.slow
def test_a_perturber_stays(tmp_path: Path, cache_dir: Path, victim_run: Path) -> None:
    run = trained_here(tmp_path / "run", cache_dir, *SMALL, "model=advgan", f"model.target={victim_run}")
    with pytest.raises(CheckpointError, match="holds no generator, classifier or enhancer that could leave it"):
        portable(Runs().model(run))
