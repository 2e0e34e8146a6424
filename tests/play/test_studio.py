"""Networks that visitors share."""

from pathlib import Path

import pytest
import torch

from sparring.core.errors import CheckpointError, ConfigError, DataError
from sparring.play.studio import Studio
from tests.stage.test_generate import trained


def test_a_run_is_loaded_once(studio: Studio, gan_run: Path, victim_run: Path) -> None:
    assert studio.gan(str(gan_run), str(victim_run)) is studio.gan(str(gan_run), str(victim_run))
    assert studio.judge(str(gan_run), None) is None  # rpgan's discriminator tells no classes


def test_generators_of_other_images_or_latents_are_not_compared(studio: Studio, gan_run: Path, tmp_path: Path) -> None:
    same = trained(tmp_path / "same", "model=dcgan")
    one, two = studio.check_pair(str(gan_run), str(same))
    assert one.shape == two.shape
    larger = trained(tmp_path / "larger", "data.image_size=16")
    with pytest.raises(DataError, match="1 x 16 x 16"):
        studio.check_pair(str(gan_run), str(larger))
    longer = trained(tmp_path / "longer", "model.latent_dim=9")
    with pytest.raises(ConfigError, match="latents of 9 numbers"):
        studio.check_pair(str(gan_run), str(longer))


def test_a_gan_enhances_nothing(studio: Studio, gan_run: Path) -> None:
    with pytest.raises(CheckpointError, match="holds no enhancer"):
        studio.enhanced(str(gan_run), torch.zeros(1, 1, 8, 8, dtype=torch.uint8))
