"""StyleGAN2's label network, style mixing and the strength of its inputs."""

import pytest
import torch
from torch import nn

from sparring.core.errors import ConfigError
from sparring.model.head.mapped_projection import MappedProjection
from sparring.model.layer.pixel_noise import seeds_of
from sparring.trained.runs import build_model
from tests.conftest import compose


def model(*overrides: str):
    tiny = ["model/generator=stylegan2", "model.generator.width=4", "model.discriminator.width=4"]
    return build_model(compose(*tiny, *overrides))


def test_mapped_projection_in_closed_form() -> None:
    """Equal to <W h + b, m(e(y) / rms(e(y)))> / sqrt(E), one layer of m being 0.01 w / sqrt(E), 0.01 b, leaky ReLU, sqrt(2)."""
    torch.manual_seed(0)
    head = MappedProjection(num_classes=3, embedding_dim=5, layers=2).make(4).double()
    features, label = torch.randn(6, 4, dtype=torch.float64), torch.tensor([0, 2, 1, 1, 0, 2])
    stored = dict(head.mapping.layers.named_parameters())
    for key in ("0", "2"):
        nn.init.normal_(stored[f"{key}.parametrizations.bias.original"], std=50.0)
    expected = []
    for h, y in zip(features, label, strict=True):
        vector = head.embedding.weight[y] / (head.embedding.weight[y].square().mean() + 1e-8).sqrt()
        for key in ("0", "2"):
            weight, bias = (stored[f"{key}.parametrizations.{part}.original"] * 0.01 for part in ("weight", "bias"))
            before = weight @ vector / 5**0.5 + bias
            vector = torch.where(before > 0, before, 0.2 * before) * 2**0.5
        expected.append((head.linear.weight @ h + head.linear.bias) @ vector / 5**0.5)
    torch.testing.assert_close(head(features, label), torch.stack(expected))


def test_style_mixing_takes_the_later_layers_from_another_latent_and_never_shows_in_samples() -> None:
    torch.manual_seed(0)
    generator = model("model.generator.mixing=0.5", "data.image_size=32").generator
    latent, label = torch.randn(2000, generator.mapping.layers[0].in_features // 2), torch.arange(2000) % 10
    style, styles = generator.style(latent, label), generator.mixed(latent, label)
    assert generator.layers == styles.shape[1] == 7
    own = (styles == style[:, None]).all(dim=2)
    assert own[:, 0].all()
    assert bool((own[:, :-1] | ~own[:, 1:]).all())  # once another style begins it goes on
    mixed = ~own.all(dim=1)
    assert abs(float(mixed.double().mean()) - 0.5) < 0.04
    share = torch.bincount(own[mixed].sum(dim=1), minlength=7)[1:7] / mixed.sum()
    assert bool((share - 1 / 6).abs().lt(0.05).all())  # where it begins is uniform over the six later layers
    alone = generator.mixed(latent[7:9], label[7:9])
    torch.testing.assert_close(alone, styles[7:9])
    few = latent[mixed][:4], label[mixed][:4]
    trained = generator(*few)
    torch.testing.assert_close(trained, generator.synthesis(generator.mixed(*few), seeds_of(few[0])))
    sampled = generator.eval()(*few)
    torch.testing.assert_close(sampled, generator.synthesis(generator.style(*few), seeds_of(few[0])))
    assert not torch.allclose(trained, sampled)
    with pytest.raises(ConfigError, match=r"model.generator.mixing=1.5"):
        model("model.generator.mixing=1.5")


@pytest.mark.parametrize("strength", [0.25, 1.0])
def test_label_and_latent_reach_the_style_network_in_the_strength_set(strength: float) -> None:
    torch.manual_seed(0)
    gan = model(
        "model/conditioning=style", f"model.conditioning.strength={strength}", "model.conditioning.embedding_dim=7"
    )
    code = gan.generator.conditioning(torch.randn(20, gan.latent_dim), torch.arange(20) % 10).detach()
    latent, label = code.split([gan.latent_dim, 7], dim=1)
    torch.testing.assert_close(latent.square().mean(1), torch.ones(20))
    torch.testing.assert_close(label.norm(dim=1), strength * latent.norm(dim=1))
