"""Every generator and discriminator leaf at every size and channel count; a new YAML is tested by existing."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from sparring.core.errors import ConfigError
from sparring.model.discriminator.dcgan import DCGANDiscriminator
from sparring.model.head.projection import Projection
from sparring.model.layer.pyramid import pyramid
from sparring.trained.runs import build_model
from tests.conftest import CONF, compose
from tests.leaves import slow_but

GENERATORS, DISCRIMINATORS = (
    sorted(path.stem for path in Path(CONF, "model", kind).glob("*.yaml")) for kind in ("generator", "discriminator")
)
NAMES = sorted({*GENERATORS, *DISCRIMINATORS})
WITH_NORMS = {"biggan", "dcgan", "resnet", "sagan"}
TINY = ["model.generator.width=4", "model.discriminator.width=4"]


def model(*overrides: str):
    return build_model(compose(*TINY, *overrides))


@pytest.mark.parametrize("size", slow_but((8, 16, 28, 32, 48, 64, 96), 28))
@pytest.mark.parametrize("name", slow_but(NAMES, "dcgan", "stylegan2"))
def test_shapes_at_any_size_and_channel_count(name: str, size: int) -> None:
    config = compose(*TINY, f"model/generator={name}", f"model/discriminator={name}", f"data.image_size={size}")
    for channels in (1, 3, 4):
        config.data.channels = channels
        gan = build_model(config)
        label = torch.zeros(2, dtype=torch.int64)
        with torch.no_grad():  # so thin a network computes sooner than torch's dry runs on "meta", written in Python
            image = gan.generator(torch.randn(2, gan.latent_dim), label)
            logits = gan.discriminator(image, label)
        assert image.shape == (2, channels, size, size)
        assert logits.shape == (2,)


@pytest.mark.slow
@pytest.mark.parametrize("conditioning", ["none", "concat", "cbn", "style"])
@pytest.mark.parametrize("name", NAMES)
def test_gradients_reach_every_weight_and_labels_matter_when_conditional(name: str, conditioning: str) -> None:
    torch.manual_seed(0)
    head = "none" if conditioning == "none" else "projection"
    choice = [
        f"model/generator={name}",
        f"model/discriminator={name}",
        f"model/conditioning={conditioning}",
        f"model/head={head}",
    ]
    if conditioning == "cbn" and name not in WITH_NORMS:
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
    if conditioning == "none":
        torch.testing.assert_close(other, logits, rtol=1e-4, atol=1e-5)  # power iteration moves on between the two
    else:
        assert not torch.allclose(other, logits, rtol=1e-2)


@pytest.mark.slow
@pytest.mark.parametrize("conditioning", ["concat", "concat model.conditioning.embedding_dim=64", "cbn", "style"])
@pytest.mark.parametrize("name", GENERATORS)
def test_the_latent_and_not_the_label_makes_the_variance_at_the_start(name: str, conditioning: str) -> None:
    """Share of the variance within classes, of the first layer's output and of the image."""
    if conditioning == "cbn" and name not in WITH_NORMS:
        return
    torch.manual_seed(0)
    gan = model(f"model/generator={name}", *f"model/conditioning={conditioning}".split())
    seen: list[Tensor] = []
    first = next(module for module in gan.generator.modules() if isinstance(module, nn.Linear))
    first.register_forward_hook(lambda module, given, output: seen.append(output))
    label = torch.arange(640) % 10
    with torch.no_grad():
        image = gan.generator(torch.randn(len(label), gan.latent_dim), label)
    for what, share in (("first layer", share_within(seen[0], label)), ("image", share_within(image, label))):
        assert share >= 0.9, what


def share_within(values: Tensor, label: Tensor) -> float:
    """Mean variance within a class over the variance of all, (N, ...) in classes of equal size."""
    flat = values.flatten(1).double()
    within = torch.stack([flat[label == k].var(dim=0, correction=0) for k in label.unique()]).mean(dim=0).sum()
    return float(within / flat.var(dim=0, correction=0).sum())


@pytest.mark.parametrize("size", [16, 28])
def test_dcgan_discriminator_has_no_flat_start_without_batch_norm(size: int) -> None:
    """N(0, 0.02) relies on BatchNorm: alone it gives a slope of 0.02, a ninth of PyTorch's own initialisation."""
    torch.manual_seed(0)
    discriminator = DCGANDiscriminator(
        channels=1, image_size=size, width=32, batch_norm=False, spectral_norm=False, head=Projection(num_classes=10)
    )
    image = torch.rand(32, 1, size, size).mul(2).sub(1).requires_grad_()
    (slope,) = torch.autograd.grad(discriminator(image, torch.arange(32) % 10).sum(), image)
    assert float(slope.flatten(1).norm(dim=1).mean()) > 0.1


@pytest.mark.parametrize(("preset", "zero"), [("dcgan", True), ("lsgan", False)])
def test_biases_of_the_dcgan_discriminator_at_the_start(preset: str, zero: bool) -> None:
    discriminator = model(f"model={preset}").discriminator
    for layer in (discriminator.blocks[0], discriminator.head.linear):
        assert bool((layer.bias == 0).all()) == zero


@pytest.mark.parametrize("name", slow_but(NAMES, "dcgan", "stylegan2"))
def test_an_image_depends_on_its_own_row_alone_when_sampling(name: str) -> None:
    gan = model(f"model/generator={name}", f"model/discriminator={name}").double()
    generator = gan.generator.eval()
    latent, label = torch.randn(5, gan.latent_dim, dtype=torch.float64), torch.tensor([3, 0, 3, 9, 1])
    with torch.no_grad():
        whole = generator(latent, label)
        for row in range(5):
            alone = generator(latent[row : row + 1], label[row : row + 1])
            torch.testing.assert_close(alone, whole[row : row + 1], rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("name", slow_but(NAMES, "dcgan", "resnet", "stylegan2"))
def test_second_derivatives_of_every_discriminator(name: str) -> None:
    """d/dw of ||dD/dx||^2, as gradient penalties need it, against a finite difference along a random direction."""
    torch.manual_seed(0)
    discriminator = model(f"model/generator={name}", f"model/discriminator={name}").double().discriminator.eval()
    image = torch.randn(4, 1, 16, 16, dtype=torch.float64, requires_grad=True)
    label = torch.arange(4)
    weights = list(discriminator.parameters())
    # So short that almost no activation changes its side, where the penalty jumps.
    direction = [torch.randn_like(weight) * weight.detach().abs().mean() * 1e-8 for weight in weights]

    def penalty() -> torch.Tensor:
        (gradient,) = torch.autograd.grad(discriminator(image, label).sum(), image, create_graph=True)
        return gradient.square().sum()

    slopes = torch.autograd.grad(penalty(), weights, allow_unused=True)
    slope = sum((a * b).sum() for a, b in zip(slopes, direction, strict=True) if a is not None)
    values = []
    for sign in (1, -1):
        with torch.no_grad():
            torch._foreach_add_(weights, direction, alpha=sign)
        values.append(penalty().detach())
        with torch.no_grad():
            torch._foreach_add_(weights, direction, alpha=-sign)
    assert float(slope.abs()) > 0
    torch.testing.assert_close((values[0] - values[1]) / 2, slope, rtol=1e-3, atol=0)


@pytest.mark.parametrize("name", slow_but(sorted(WITH_NORMS), "dcgan"))
@pytest.mark.parametrize("conditioning", ["concat", "cbn"])
def test_the_averaged_generator_has_the_statistics_of_the_trained_one(name: str, conditioning: str) -> None:
    gan = model(f"model/generator={name}", f"model/conditioning={conditioning}")
    before = [buffer.clone() for buffer in gan.generator.buffers()]
    gan.generator(torch.randn(8, gan.latent_dim), torch.arange(8))
    gan.averaging.update(gan.ema, gan.generator, images=8, images_seen=1000)
    live, averaged = list(gan.generator.buffers()), list(gan.ema.buffers())
    assert any(not torch.equal(old, new) for old, new in zip(before, live, strict=True))
    assert all(torch.equal(mine, theirs) for mine, theirs in zip(averaged, live, strict=True))


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
        (
            ["model/conditioning=none"],
            "head=projection uses the label but model.conditioning=none never gives",
        ),
        (["model/head=none"], "conditioning=concat gives the generator a label that model.head=none never checks"),
        (
            ["model/conditioning=cbn"],
            "conditioning=cbn gives the label to normalisation layers alone and ConvGenerator has none",
        ),
    ],
)
def test_labels_that_only_one_player_sees_are_refused(overrides: list[str], reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        model(*overrides)


def test_biggan_refuses_a_latent_that_has_no_number_for_every_block() -> None:
    with pytest.raises(ConfigError, match=r"latent_dim=3 cannot be cut into 4 chunks"):
        model("model/generator=biggan", "model.latent_dim=3", "data.image_size=32")


def test_biggan_gives_every_number_of_the_latent_to_one_layer() -> None:
    generator = model("model/generator=biggan", "model.latent_dim=11").generator
    assert generator.chunks == [5, 3, 3]
    assert generator.first.in_features == 5 + 11  # and the class embedding
    assert [block.norm_first.gain.in_features for block in generator.stack.blocks] == [3, 3]
