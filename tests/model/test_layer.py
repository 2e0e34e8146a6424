"""The shared blocks against closed forms, singular values and loops over images."""

import pytest
import torch
from torch import nn

from sparring.core.errors import ConfigError
from sparring.model.conditioning.cbn import ConditionalBatchNorm
from sparring.model.layer.attention import SelfAttention, stage_at
from sparring.model.layer.equalised import equalise
from sparring.model.layer.initialise import initialise
from sparring.model.layer.minibatch_stddev import MinibatchStddev
from sparring.model.layer.norm import ConditionalNorm
from sparring.model.layer.pixel_noise import PixelNoise, hashed_normal, seeds_of
from sparring.model.layer.resample import LowPass
from sparring.model.layer.resnet import DownBlock, DownStack, UpBlock, halvings_of
from sparring.model.layer.spectral import spectrally_normalise
from sparring.model.layer.style import Mapping, ModulatedConv


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


def randn(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, dtype=torch.float64)


@pytest.mark.parametrize(
    "layer", [nn.Conv2d(3, 5, 3), nn.ConvTranspose2d(4, 6, 4), nn.Linear(7, 5), nn.Embedding(6, 4)]
)
def test_spectral_norm_divides_by_the_largest_singular_value(layer: nn.Module) -> None:
    torch.manual_seed(0)  # weights whose two largest singular values lie apart, or 300 iterations would not be enough
    layer = layer.double()
    layer.reset_parameters()
    before = layer.weight.detach().clone()
    spectrally_normalise(layer, embeddings=True)
    for _ in range(300):  # one power iteration each
        layer.weight  # noqa: B018
    matrix = (before.transpose(0, 1) if isinstance(layer, nn.ConvTranspose2d) else before).flatten(1)
    largest = torch.linalg.svdvals(matrix)[0]
    torch.testing.assert_close(layer.weight, before / largest, rtol=1e-8, atol=1e-10)


def test_spectral_norm_leaves_embeddings_when_told_and_evaluation_does_not_move_it() -> None:
    network = nn.Sequential(nn.Embedding(3, 4), nn.Linear(4, 4))
    spectrally_normalise(network, embeddings=False)
    assert [hasattr(layer, "parametrizations") for layer in network] == [False, True]
    network.eval()
    assert torch.equal(network[1].weight, network[1].weight)


def test_modulated_convolution_is_equations_1_and_3_per_image() -> None:
    layer = ModulatedConv(3, 4, 3, style_dim=5).double()
    hidden, style = randn(2, 3, 6, 6), randn(2, 5)
    for image, row, result in zip(hidden, style, layer(hidden, style), strict=True):
        scales = layer.affine.weight @ row + layer.affine.bias
        weight = layer.weight * (3 * 9) ** -0.5 * scales[None, :, None, None]
        weight = torch.stack([kernel / (kernel.square().sum() + 1e-8).sqrt() for kernel in weight])
        torch.testing.assert_close(result, nn.functional.conv2d(image[None], weight, padding=1)[0])


def test_upsampling_modulated_convolution_per_image() -> None:
    layer = ModulatedConv(3, 4, 3, style_dim=5, up=True).double()
    hidden, style = randn(2, 3, 5, 5), randn(2, 5)
    line = torch.tensor([1, 3, 3, 1], dtype=torch.float64) / 8
    blur = 4 * torch.outer(line, line)
    for image, row, result in zip(hidden, style, layer(hidden, style), strict=True):
        scales = layer.affine.weight @ row + layer.affine.bias
        weight = layer.weight * scales[None, :, None, None]
        weight = torch.stack([kernel / kernel.norm() for kernel in weight])
        upsampled = torch.zeros(3, 9, 9, dtype=torch.float64)  # zeros between the pixels
        upsampled[:, ::2, ::2] = image
        grown = nn.functional.conv2d(upsampled[None], weight.flip(2, 3), padding=2)  # (1, 4, 11, 11)
        expected = torch.stack(
            [nn.functional.conv2d(m[None, None], blur[None, None], padding=1)[0, 0] for m in grown[0]]
        )
        assert result.shape == (4, 10, 10)
        torch.testing.assert_close(result, expected, rtol=1e-6, atol=1e-8)


def test_unit_variance_goes_through_a_demodulated_convolution() -> None:
    layer = ModulatedConv(64, 64, 3, style_dim=8).requires_grad_(False)
    out = layer(torch.randn(8, 64, 16, 16), 3 * torch.randn(8, 8))
    assert 0.9 < float(out[..., 2:-2, 2:-2].std()) < 1.1


def test_filters_keep_a_constant_map_and_halving_undoes_doubling_of_it() -> None:
    maps = torch.full((2, 3, 8, 8), 2.5, dtype=torch.float64)
    low_pass, doubling = LowPass(), LowPass(gain=4.0)
    torch.testing.assert_close(low_pass(maps, padding=2)[..., 3:-3, 3:-3], maps[..., :3, :3])
    doubled, halved = doubling.upsample(maps), low_pass.downsample(maps)
    assert doubled.shape == (2, 3, 16, 16)
    assert halved.shape == (2, 3, 4, 4)
    torch.testing.assert_close(doubled[..., 2:-2, 2:-2], torch.full((2, 3, 12, 12), 2.5, dtype=torch.float64))
    torch.testing.assert_close(halved[..., 1:-1, 1:-1], maps[..., :2, :2])
    assert not low_pass.state_dict()


def test_minibatch_stddev_by_hand() -> None:
    hidden = randn(6, 2, 2, 2)
    out = MinibatchStddev(group=3)(hidden)
    assert out.shape == (6, 3, 2, 2)
    assert torch.equal(out[:, :2], hidden)
    for group in (0, 1):  # rows 0, 2, 4 and 1, 3, 5
        expected = hidden[group::2].var(dim=0, unbiased=False).add(1e-8).sqrt().mean()
        torch.testing.assert_close(out[group::2, 2], expected.expand(3, 2, 2))


@pytest.mark.parametrize("count", [1, 2, 5, 7])
def test_minibatch_stddev_takes_batches_that_its_group_does_not_divide(count: int) -> None:
    hidden = randn(count, 2, 2, 2)
    out = MinibatchStddev(group=3)(hidden)[:, 2, 0, 0]
    groups = max(count // 3, 1)
    for group in range(groups):
        expected = hidden[group::groups].var(dim=0, unbiased=False).add(1e-8).sqrt().mean()
        torch.testing.assert_close(out[group::groups], expected.expand_as(out[group::groups]))


def test_attention_starts_as_the_identity_and_is_equations_1_to_3() -> None:
    layer, hidden = SelfAttention(16).double(), randn(2, 16, 4, 4)
    assert torch.equal(layer(hidden), hidden)
    nn.init.constant_(layer.gamma, 0.7)
    pooled = nn.functional.max_pool2d
    query, key, value = layer.query(hidden), pooled(layer.key(hidden), 2), pooled(layer.value(hidden), 2)
    expected = hidden.clone()
    for image in range(2):
        for y in range(4):
            for x in range(4):
                scores = torch.stack([query[image, :, y, x] @ key[image, :, v, u] for v in range(2) for u in range(2)])
                values = torch.stack([value[image, :, v, u] for v in range(2) for u in range(2)])
                mixed = (scores.exp() / scores.exp().sum()) @ values
                expected[image, :, y, x] += 0.7 * layer.out.weight[:, :, 0, 0] @ mixed
    torch.testing.assert_close(layer(hidden), expected)


def test_attention_at_a_size_that_no_map_has_is_refused() -> None:
    assert stage_at(32, 2, [4, 8, 16, 32]) == 2
    with pytest.raises(ConfigError, match=r"attention=16 .* the maps have 4, 8, 16, 32; give one of 1, 2, 4, 8"):
        stage_at(32, 16, [4, 8, 16, 32])


def test_conditional_norm_by_hand() -> None:
    norm = ConditionalNorm(3, 2).double()
    hidden, condition = randn(4, 3, 5, 5), randn(4, 2)
    mean, var = hidden.mean((0, 2, 3)), hidden.var((0, 2, 3), unbiased=False)
    normal = (hidden - mean[:, None, None]) / (var[:, None, None] + 1e-5).sqrt()
    gain, bias = 1 + condition @ norm.gain.weight.T, condition @ norm.bias.weight.T
    torch.testing.assert_close(norm(hidden, condition), normal * gain[..., None, None] + bias[..., None, None])


def test_unshared_conditional_batch_norm_is_a_gain_and_a_bias_per_class() -> None:
    conditioning = ConditionalBatchNorm(num_classes=3, shared_dim=0).make(4)
    assert not conditioning.enters
    norm = conditioning.norm(5)
    assert conditioning.enters
    label = torch.tensor([2, 0])
    condition = conditioning.condition(torch.randn(2, 4), label)
    torch.testing.assert_close(norm.gain(condition), norm.gain.weight.T[label])


def test_cheaper_orders_of_the_shortcuts_change_nothing() -> None:
    up = UpBlock(3, 5, lambda channels: ConditionalNorm(channels, 1)).double()
    hidden, condition = randn(2, 3, 4, 4), randn(2, 1)
    branch = up(hidden, condition) - up.shortcut(hidden).repeat_interleave(2, 2).repeat_interleave(2, 3)
    larger = hidden.repeat_interleave(2, 2).repeat_interleave(2, 3)
    torch.testing.assert_close(up(hidden, condition), up.shortcut(larger) + branch)
    down = DownBlock(3, 5, first=False, halve=True, batch_norm=False).double()
    pool, one = nn.AvgPool2d(2), down.shortcut[1]
    torch.testing.assert_close(down(hidden), pool(one(hidden)) + down.branch(hidden))


def test_batch_norm_does_not_set_the_scale_of_the_features() -> None:
    stack = DownStack(1, [4, 8], halvings=1, batch_norm=True, attention=None)
    image, last = randn(6, 1, 8, 8).float(), stack.blocks[1]
    before = stack(image)
    for parameter in (*last.branch[-2].parameters(), *last.shortcut[-1].parameters()):
        parameter.data *= 3
    torch.testing.assert_close(stack(image), 3 * before)


@pytest.mark.parametrize(("doublings", "flat", "halvings"), [(3, 2, 2), (5, 1, 5), (4, 1, 4), (1, 2, 1)])
def test_halvings(doublings: int, flat: int, halvings: int) -> None:
    assert halvings_of(doublings, flat) == halvings


def test_equalised_layers_use_scaled_weights_and_learn_at_their_rate() -> None:
    layer = nn.Linear(400, 300)
    equalise(layer)
    stored = layer.parametrizations.weight.original.detach()
    assert abs(float(stored.std()) - 1) < 0.02
    torch.testing.assert_close(layer.weight, stored / 20)
    for mapping, rate in ((Mapping(400, 300, layers=1), 0.01), (Mapping(400, 300, layers=1, learning_rate=0.1), 0.1)):
        slow = mapping.layers[0]
        assert abs(float(slow.weight.detach().std()) - 0.05) < 0.001
        with torch.no_grad():
            slow.parametrizations.bias.original += 1
        torch.testing.assert_close(slow.bias, torch.full((300,), rate))


def test_mapping_keeps_the_mean_square_of_any_code() -> None:
    code = 50 * torch.randn(64, 256)
    mapping = Mapping(256, 256, layers=2)
    assert 0.6 < float(mapping(code).detach().square().mean()) < 1.6
    torch.testing.assert_close(mapping(code), mapping(code / 7), rtol=1e-3, atol=1e-4)


def test_initialisers() -> None:
    layer = nn.Conv2d(8, 4, 3)
    initialise(layer, "orthogonal")
    flat = layer.weight.flatten(1)
    torch.testing.assert_close(flat @ flat.T, torch.eye(4), atol=1e-5, rtol=0)
    assert not layer.bias.any()
    initialise(layer, "xavier")  # uniform within gain sqrt(6 / (fan_in + fan_out))
    bound = 2**0.5 * (6 / (8 * 9 + 4 * 9)) ** 0.5
    assert 0.95 * bound < float(layer.weight.detach().abs().max()) <= bound
    initialise(large := nn.Linear(200, 200), "normal")
    assert abs(float(large.weight.detach().std()) - 0.02) < 0.0005
    with pytest.raises(ConfigError, match="init=he is unknown; give one of orthogonal, xavier, normal"):
        initialise(layer, "he")


def test_pixel_noise_is_standard_normal_and_belongs_to_the_latent() -> None:
    latent = torch.randn(64, 8)
    seeds = seeds_of(latent)
    assert len(seeds.unique()) == 64
    source = PixelNoise([64, 64, 8])
    noise, other, small = source(seeds)
    assert noise.shape == (64, 1, 64, 64)
    flat = noise.flatten()  # 262,144 numbers: standard errors 0.002 of the mean, 0.003 of the variance
    assert abs(float(flat.mean())) < 0.008
    assert abs(float(flat.var()) - 1) < 0.012
    assert abs(float((flat.abs() < 1).double().mean()) - 0.6827) < 0.004
    assert torch.equal(source(seeds[5:6])[0], noise[5:6])
    assert torch.equal(small.flatten(1), hashed_normal(seeds, 2, 64))
    rows = torch.cat([noise.flatten(1)[:8], other.flatten(1)[:8]])
    correlation = torch.corrcoef(rows) - torch.eye(16)
    assert float(correlation.abs().max()) < 0.07  # 4,096 pixels: standard error 0.016
    neighbours = torch.corrcoef(torch.stack([flat[:-1], flat[1:]]))[0, 1]
    assert abs(float(neighbours)) < 0.01


def test_pixel_noise_seeds_see_every_number_and_its_place() -> None:
    latent = torch.randn(1, 8)
    changed = latent.clone()
    changed[0, 3] = torch.nextafter(changed[0, 3], torch.tensor(10.0))
    assert len({int(seeds_of(row)) for row in (latent, changed, latent.flip(1), latent.roll(1, 1))}) == 4
    assert torch.equal(seeds_of(latent), seeds_of(latent.double()))
