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


def test_r3gan_has_the_parameters_of_the_authors_code() -> None:
    """Counted by hand for width 768 and 8 blocks of 96 groups each."""
    with torch.device("meta"):
        gan = build(compose("experiment=cifar10_r3gan").model, section="model")
    block = 768 * 1536 + 1536 + 1536 * 16 * 9 + 1536 + 1536 * 768
    assert counts(gan.generator, gan.discriminator) == [
        10 * 64 + (64 + 64) * 768 + 768 * 4 * 4 + 8 * block + 768 * 3,  # embedding, mix, basis, blocks, to the image
        3 * 768 + 8 * block + 768 * 4 * 4 + 768 * 768 + 10 * 768,  # from the image, blocks, basis, linear, embedding
    ]


def test_r3gan_resamples_and_projects_as_the_authors_code() -> None:
    """By explicit sums. Blocks are the identity at the start: what is left are the layers in question."""
    torch.manual_seed(0)
    chosen = ["data=cifar10", "model=r3gan", "model/head=bilinear", "model.head.embedding_dim=512", "data.image_size=8",
              "model.conditioning.embedding_dim=4096", "model.conditioning.embedding_std=0.3162"]  # fmt: skip
    for player in ("generator", "discriminator"):
        chosen += [f"model.{player}.{item}" for item in ("resample=low_pass", "image_bias=false")]
    gan = build(compose(*chosen).model, section="model").double().requires_grad_(False)
    generator, discriminator = gan.generator, gan.discriminator
    embedding, head = generator.conditioning.embedding.weight, discriminator.head
    assert float(embedding.std()) == pytest.approx(10**-0.5, rel=0.02)
    assert float(head.embedding.weight.std()) == pytest.approx((10 * 512) ** -0.5, rel=0.05)
    assert float(head.linear.weight.std()) == pytest.approx(16**-0.5, rel=0.05)

    label, latent = torch.tensor([3, 7]), torch.randn(2, 64, dtype=torch.float64)
    mixed = torch.cat([latent, embedding[label]], dim=1) @ generator.mix.weight.T
    narrow = pointwise(generator.basis * mixed[:, :, None, None], generator.stages[1])
    image = pointwise(resampled(narrow, up=2), generator.to_image)
    torch.testing.assert_close(generator(latent, label), image)

    halved = resampled(pointwise(image, discriminator.from_image), up=1)
    basis = (pointwise(halved, discriminator.stages[2]) * discriminator.basis.weight[:, 0]).sum((2, 3))
    logits = (basis @ head.linear.weight.T * head.embedding.weight[label]).sum(1)
    torch.testing.assert_close(discriminator(image, label), logits)


def pointwise(maps: torch.Tensor, layer: nn.Module) -> torch.Tensor:
    """(N, C, H, W) -> (N, O, H, W) by the weights of a 1x1 convolution without a bias."""
    return torch.einsum("oc,nchw->nohw", layer.weight[:, :, 0, 0], maps)


def resampled(maps: torch.Tensor, *, up: int) -> torch.Tensor:
    """[1, 3, 3, 1] by its definition, zero beyond the borders: twice the size for up=2, half for up=1."""
    size = maps.shape[-1]
    before = 2 if up == 2 else 1
    padded = torch.zeros(*maps.shape[:2], up * size + before + 1, up * size + before + 1, dtype=maps.dtype)
    padded[..., before : before + up * size : up, before : before + up * size : up] = maps
    line = [weight * up / 8 for weight in (1, 3, 3, 1)]
    step = 2 // up
    rows = sum(line[k] * padded[..., k : k + up * size : step, :] for k in range(4))
    return sum(line[k] * rows[..., k : k + up * size : step] for k in range(4))


def counts(*networks: nn.Module) -> list[int]:
    return [sum(weight.numel() for weight in network.parameters()) for network in networks]
