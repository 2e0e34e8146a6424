"""Networks have as many parameters as the published ones."""

import pytest
import torch
from torch import nn

from sparring.config.build import build
from sparring.model.conditioning.none import NoConditioning
from sparring.model.discriminator.dcgan import DCGANDiscriminator
from sparring.model.generator.dcgan import DCGANGenerator
from sparring.model.head.none import UnconditionalHeadMaker as LinearHead
from tests.conftest import compose


def test_dcgan_has_the_parameters_of_the_common_implementation() -> None:
    """pytorch/examples' DCGAN at 64x64x3 with 100 latents: 3,576,704 and 2,765,568, without any bias.

    Ours adds a bias to the image layer (3), to D's first convolution (64) and to its last unit (1).
    """
    generator = DCGANGenerator(channels=3, image_size=64, latent_dim=100, width=64, conditioning=NoConditioning())
    discriminator = DCGANDiscriminator(
        channels=3, image_size=64, width=64, batch_norm=True, spectral_norm=False, head=LinearHead()
    )
    assert counts(generator, discriminator) == [3_576_704 + 3, 2_765_568 + 64 + 1]


# Published width, and the counts of StudioGAN's table for 32x32x3 and 10 classes, in millions.
PUBLISHED = {
    "resnet": (["model.latent_dim=128", "model/conditioning=cbn"], (256, 128), (4.3, 1.06)),
    "biggan": (
        ["model.latent_dim=80", "model/conditioning=cbn", "model.conditioning.shared_dim=128"],
        (384, 192),
        (9.4, 2.4),
    ),
    "stylegan2": (
        [
            "model.latent_dim=512",
            "model/conditioning=style",
            "model.discriminator.residual=false",
            "model/head=mapped_projection",
            "model.head.embedding_dim=512",
        ],
        (512, 512),
        (20.2, 23.1),
    ),
    # 3.8 and 2.9 M are published: G has one width more and a 3x3 convolution at the end, D 3x3 convolutions in between.
    "dcgan": (["model.latent_dim=128", "model/conditioning=none", "model/head=none"], (128, 128), (3.7, 2.6)),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", PUBLISHED)
def test_published_parameter_counts(name: str) -> None:
    overrides, (generator, discriminator), expected = PUBLISHED[name]
    widths = [f"model.generator.width={generator}", f"model.discriminator.width={discriminator}"]
    chosen = [f"model/generator={name}", f"model/discriminator={name}"]
    # Initialising millions of weights takes seconds; on the meta device only their number is there.
    with torch.device("meta"):
        gan = build(compose("data=cifar10", *chosen, *widths, *overrides).model, section="model")
    ours = counts(gan.generator, gan.discriminator)
    assert [round(count / 1e6, 2 if wanted < 2 else 1) for count, wanted in zip(ours, expected, strict=True)] == list(
        expected
    )


def counts(*networks: nn.Module) -> list[int]:
    return [sum(weight.numel() for weight in network.parameters()) for network in networks]
