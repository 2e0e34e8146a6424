"""Images of a choice are those of the command that the page names, whatever was drawn before."""

import shlex
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from sparring.core.errors import ConfigError
from sparring.play.choice import Choice
from sparring.play.gan import Gan
from sparring.stage.generate import generate
from tests.conftest import compose
from tests.leaves import slow_but

CHOICES = [
    Choice(seed=3, label=2),
    Choice(seed=3, label=2, truncation=0.5, toward=9, share=0.25),
    Choice(seed=0, label=7, move={"sefa_1": 2.5, "boundary_2": -1.0, "sefa_2": 0.0}),
    Choice(seed=0, label=7, move={"pca_1": 2.5}),
]


@pytest.mark.parametrize("choice", slow_but(CHOICES, CHOICES[1]))
def test_the_recipe_draws_the_same_images_byte_for_byte(gan: Gan, choice: Choice, tmp_path: Path) -> None:
    words = shlex.split(gan.recipe(choice, 3))
    assert "device=cpu" in words
    assert ("direction.pca.codes=40" in words) == bool(choice.moves)
    config = compose(*words[words.index("generate") + 1 :], config="generate")
    generate(config, tmp_path / "run")
    files = sorted((tmp_path / "run" / "folder").rglob("*.png"))
    drawn = torch.stack([torch.from_numpy(np.asarray(Image.open(file)).copy())[None] for file in files])
    assert torch.equal(gan.images(choice, 3), drawn)
    assert torch.equal(gan.images(choice)[:3], drawn)  # as many as a block holds cost no more


def test_a_walk_starts_and_ends_at_the_images_of_its_seeds(gan: Gan) -> None:
    walked = gan.walk(Choice(seed=1, label=4, toward=2, share=0.5), 5)
    ends = [gan.images(Choice(seed=seed, label=4), 1) for seed in (1, 2)]
    assert torch.equal(walked[:1], ends[0])
    assert (walked[-1:].int() - ends[1].int()).abs().max() <= 1
    assert not torch.equal(walked[2], walked[0])


def test_moving_there_and_back_changes_nothing(gan: Gan) -> None:
    latent = torch.randn(1, gan.trained.latent_dim, generator=torch.Generator().manual_seed(0))
    still = gan.redrawn(latent, 3, {})
    moved = gan.redrawn(latent, 3, {"sefa_1": 3.0})
    assert not torch.equal(still, moved)
    assert torch.equal(gan.redrawn(latent + 3 * gan.steps("sefa")["sefa_1"].vector, 3, {"sefa_1": -3.0}), still)


def test_an_image_of_the_generator_is_found_again(gan: Gan) -> None:
    image = gan.images(Choice(seed=5, label=1), 1)
    latent, error = gan.inverted(image, 1)
    again = gan.redrawn(latent, 1, {})
    assert error < (image.float() - image.float().mean()).square().mean().sqrt() / 255 / 2
    assert ((again.float() - image.float()) / 255).square().mean().sqrt() == pytest.approx(error, abs=0.005)


def test_a_generator_with_classes_assumes_none(gan: Gan) -> None:
    latent = torch.zeros(1, gan.trained.latent_dim)
    with pytest.raises(ConfigError, match="draws by class: give one of its 10 classes"):
        gan.redrawn(latent, None, {})
    with pytest.raises(ConfigError, match="draws by class"):
        gan.inverted(torch.zeros(1, 1, 8, 8, dtype=torch.uint8), None)


def test_directions_are_named_and_others_refused(gan: Gan) -> None:
    assert gan.ways() == ["sefa", "pca", "boundary", "random"]
    assert list(gan.steps("sefa")) == [f"sefa_{n}" for n in range(1, 6)]
    assert gan.steps("boundary")["boundary_1"].name.startswith("towards ")
    with pytest.raises(ConfigError, match=r"no direction sefa_9, did you mean sefa_\d"):
        gan.images(Choice(label=0, move={"sefa_9": 1.0}), 1)
