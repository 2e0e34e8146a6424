"""Truncation of styles, and generators on which cutting latents would do nothing."""

import pytest
import torch
from torch import Tensor

from sparring.core.errors import ConfigError
from sparring.core.randomness import generator as random_generator
from sparring.generation.sampler import Sampler, joined
from sparring.model.layer.pixel_noise import seeds_of
from sparring.sampling.latent.truncation import DRAWS, TruncatedStyles
from sparring.trained.runs import build_model
from tests.conftest import compose

TINY = ["data.image_size=8", "model.generator.width=4", "model.discriminator.width=4", "model.latent_dim=6"]


def generator_of(*overrides: str) -> torch.nn.Module:
    torch.manual_seed(0)
    return build_model(compose(*TINY, *overrides)).ema


def images(network: torch.nn.Module, truncation: float | None) -> Tensor:
    return joined(
        Sampler(network, latent_dim=6, num_classes=10, count=40, seed=0, truncation=truncation)
    ).image.double()


def test_styles_are_pulled_to_the_mean_of_their_class() -> None:
    network = generator_of("model=stylegan2")
    latent, label = torch.randn(5, 6), torch.tensor([3, 3, 7, 0, 3])
    with torch.no_grad():
        means = []
        for k in label.tolist():
            normal = torch.randn(DRAWS, 6, generator=random_generator("mean style", k))
            means.append(network.style(normal, torch.full((DRAWS,), k)).mean(dim=0))
        mean, style = torch.stack(means), network.style(latent, label)
        expected = network.synthesis(mean + 0.3 * (style - mean), seeds_of(latent))
        torch.testing.assert_close(TruncatedStyles(network, 0.3, latent_dim=6)(latent, label), expected)
        whole = TruncatedStyles(network, 1.0, latent_dim=6)(latent, label)
        torch.testing.assert_close(whole, network(latent, label))


def test_truncation_makes_the_images_of_a_class_alike() -> None:
    for network in (generator_of("model=stylegan2"), generator_of("model=biggan")):
        spread = [images(network, psi)[3::10].var(dim=0).mean().item() for psi in (None, 0.5, 0.05)]
        assert spread[0] > 1.5 * spread[1] > 1.5 * spread[2]


def test_a_generator_blind_to_the_length_of_latents_is_refused() -> None:
    network = generator_of("model=dcgan", "model/conditioning=style")
    assert len(images(network, None)) == 40
    with pytest.raises(ConfigError, match=r"truncation=0.5 would change nothing: model.conditioning=style"):
        images(network, 0.5)
