"""Every generator and discriminator leaf at every size and channel count; a new YAML is tested by existing."""

from pathlib import Path

import pytest
import torch
from torch import nn

from sparring.build import build_model
from sparring.errors import ConfigError
from sparring.model.code.none import Unconditional
from sparring.model.discriminator.dcgan import DCGANDiscriminator
from sparring.model.generator.dcgan import DCGANGenerator
from sparring.model.head.none import Unconditional as LinearHead
from sparring.model.head.projection import Projection
from sparring.model.layer.pyramid import pyramid
from tests.conftest import CONF, compose

GENERATORS, DISCRIMINATORS = (
    sorted(path.stem for path in Path(CONF, "model", kind).glob("*.yaml")) for kind in ("generator", "discriminator")
)
NAMES = sorted({*GENERATORS, *DISCRIMINATORS})
WITH_NORMS = {"biggan", "dcgan", "resnet", "sagan"}
TINY = ["model.generator.width=4", "model.discriminator.width=4"]


def model(*overrides: str):
    return build_model(compose(*TINY, *overrides))


@pytest.mark.parametrize("size", [8, 16, 28, 32, 48, 64, 96])
@pytest.mark.parametrize("name", NAMES)
def test_shapes_at_any_size_and_channel_count(name: str, size: int) -> None:
    for channels in (1, 3, 4):
        gan = model(
            f"model/generator={name}",
            f"model/discriminator={name}",
            f"data.image_size={size}",
            f"data.channels={channels}",
        )
        gan = gan.to("meta")
        label = torch.zeros(2, dtype=torch.int64, device="meta")
        image = gan.generator(torch.empty(2, gan.latent_dim, device="meta"), label)
        assert image.shape == (2, channels, size, size)
        assert gan.discriminator(image, label).shape == (2,)


@pytest.mark.parametrize("code", ["none", "concat", "cbn", "style"])
@pytest.mark.parametrize("name", NAMES)
def test_gradients_reach_every_weight_and_labels_matter_when_conditional(name: str, code: str) -> None:
    torch.manual_seed(0)
    head = "none" if code == "none" else "projection"
    choice = [f"model/generator={name}", f"model/discriminator={name}", f"model/code={code}", f"model/head={head}"]
    if code == "cbn" and name not in WITH_NORMS:
        with pytest.raises(ConfigError, match="normalisation layers alone"):
            model(*choice)
        return
    gan = model(*choice)
    latent, label = torch.randn(6, gan.latent_dim), torch.arange(6)
    for weight in gan.parameters():  # branches that start at zero: off it, or nothing inside has a gradient
        if not weight.any():
            nn.init.normal_(weight, std=0.1)
    image = gan.generator(latent, label)
    logits = gan.discriminator(image, label)
    logits.sum().backward()
    unreached = [key for key, weight in (*gan.generator.named_parameters(), *gan.discriminator.named_parameters())
                 if weight.grad is None or not weight.grad.any()]  # fmt: skip
    assert unreached == []
    other = gan.discriminator(gan.generator(latent, label.flip(0)), label.flip(0))
    if code == "none":
        torch.testing.assert_close(other, logits, rtol=1e-4, atol=1e-5)  # power iteration moves on between the two
    else:
        assert not torch.allclose(other, logits, rtol=1e-2)


def test_dcgan_has_the_parameters_of_the_common_implementation() -> None:
    """pytorch/examples' DCGAN at 64x64x3 with 100 latents: 3,576,704 and 2,765,568, without any bias.

    Ours adds a bias to the image layer (3), to D's first convolution (64) and to its last unit (1).
    """
    generator = DCGANGenerator(channels=3, image_size=64, latent_dim=100, width=64, code=Unconditional())
    discriminator = DCGANDiscriminator(
        channels=3, image_size=64, width=64, batch_norm=True, spectral_norm=False, head=LinearHead()
    )
    counts = [sum(weight.numel() for weight in net.parameters()) for net in (generator, discriminator)]
    assert counts == [3_576_704 + 3, 2_765_568 + 64 + 1]


def test_projection_head_in_closed_form() -> None:
    head = Projection(num_classes=3).make(4).double()
    features, label = torch.randn(5, 4, dtype=torch.float64), torch.tensor([0, 2, 1, 1, 0])
    expected = [
        (head.linear.weight[0] * h).sum() + head.linear.bias[0] + (head.embedding.weight[y] * h).sum()
        for h, y in zip(features, label, strict=True)
    ]
    torch.testing.assert_close(head(features, label), torch.stack(expected))


@pytest.mark.parametrize(
    ("size", "expected"), [(8, (4, 1)), (28, (7, 2)), (32, (4, 3)), (48, (6, 3)), (96, (6, 4)), (256, (4, 6))]
)
def test_pyramid(size: int, expected: tuple[int, int]) -> None:
    assert pyramid(size) == expected


@pytest.mark.parametrize("size", [3, 4, 9, 30, 31, 75])
def test_sizes_that_no_doubling_reaches_are_refused_with_a_near_one(size: int) -> None:
    with pytest.raises(ConfigError, match=rf"data.image_size={size} .* set data.image_size=\d+"):
        pyramid(size)


def test_a_generator_of_another_size_is_refused_before_data_is_read() -> None:
    with pytest.raises(ConfigError, match=r"\(1, 32, 32\).*\(1, 16, 16\)"):
        model("model.generator.image_size=32")


@pytest.mark.parametrize(
    ("overrides", "reason"),
    [
        (["model/code=none"], "head=projection judges an image by its label but model.code=none never shows"),
        (["model/head=none"], "code=concat gives the generator a label that model.head=none never checks"),
        (["model/code=cbn"], "code=cbn shows the label to normalisation layers alone and ConvGenerator has none"),
    ],
)
def test_labels_that_only_one_player_sees_are_refused(overrides: list[str], reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        model(*overrides)
