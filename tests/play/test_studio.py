"""Networks that visitors share."""

from pathlib import Path

import pytest
import torch

from sparring.core.errors import CheckpointError, ConfigError, DataError
from sparring.play.studio import Studio
from tests.play.conftest import numbered
from tests.stage.test_generate import trained


def test_a_run_is_loaded_once(studio: Studio, gan_run: Path, victim_run: Path) -> None:
    assert studio.gan(str(gan_run), str(victim_run)) is studio.gan(str(gan_run), str(victim_run))
    assert studio.judge(str(gan_run), None) is None  # rpgan's discriminator tells no classes


def test_a_run_is_loaded_once_however_it_is_typed(studio: Studio, gan_run: Path, victim_run: Path) -> None:
    whole, short = studio.gan(str(gan_run), str(victim_run)), studio.gan(gan_run.name, str(victim_run))
    assert whole is short
    assert studio.training_images(str(gan_run)) is studio.training_images(gan_run.name)


def test_generators_share_a_classifier(studio: Studio, gan_run: Path, victim_run: Path, tmp_path: Path) -> None:
    other = trained(tmp_path / "other")
    first, second = (studio.gan(str(run), str(victim_run)) for run in (gan_run, other))
    assert first.classifier is second.classifier
    assert studio.judge(str(gan_run), str(victim_run)) is studio.judge(str(other), str(victim_run))
    assert studio.gan(str(gan_run), None).network is first.network


def test_generators_of_other_images_or_latents_are_not_compared(studio: Studio, gan_run: Path, tmp_path: Path) -> None:
    same = numbered(trained(tmp_path / "same", "model=dcgan"))
    one, two = studio.check_pair(str(gan_run), str(same))
    assert one.shape == two.shape
    larger = numbered(trained(tmp_path / "larger", "data.image_size=16"))
    with pytest.raises(DataError, match="1 x 16 x 16"):
        studio.check_pair(str(gan_run), str(larger))
    longer = numbered(trained(tmp_path / "longer", "model.latent_dim=9"))
    with pytest.raises(ConfigError, match="latents of 9 numbers"):
        studio.check_pair(str(gan_run), str(longer))


def test_a_gan_enhances_nothing(studio: Studio, gan_run: Path) -> None:
    with pytest.raises(CheckpointError, match="holds no enhancer"):
        studio.enhanced(str(gan_run), torch.zeros(1, 1, 8, 8, dtype=torch.uint8))
