"""Penalties against closed forms, recurrences and finite differences, double backward included."""

import pytest
import torch
from torch import Tensor, nn

from sparring.core.errors import ConfigError
from sparring.model.generator.base import StyleGenerator
from sparring.model.regularizer.approximate_r1 import ApproximateR1
from sparring.model.regularizer.bcr import BalancedConsistency
from sparring.model.regularizer.cr import ConsistencyRegularization
from sparring.model.regularizer.feature_matching import FeatureMatching
from sparring.model.regularizer.lecam import LeCam
from sparring.model.regularizer.orthogonal import Orthogonal, off_diagonal
from sparring.model.regularizer.path_length import PathLength
from sparring.model.regularizer.r1 import R1
from sparring.model.regularizer.shared.consistency import Change
from sparring.model.regularizer.weight_clipping import WeightClipping
from sparring.model.regularizer.wgan_gp import WGANGP
from sparring.model.regularizer.zcr import LatentConsistency
from tests.model.affine import WEIGHT, images
from tests.model.views import Affine, Linear, Seeded, discriminator_view, generator_view


def test_change_shifts_and_mirrors_and_cr_measures_it() -> None:
    real = images(6, 4)
    change = Change(flip=True, shift=0.25)
    draws = Seeded(6, "cr" + "real")
    moved = change(real, draws)
    assert not torch.equal(moved, real)
    corner, mirror = (draws.uniform("corner", 2) * 3).long(), draws.uniform("mirror") < 0.5
    for row in range(6):
        padded = nn.functional.pad(real[row : row + 1], (1, 1, 1, 1), mode="reflect")[0]
        top, left = corner[row].tolist()
        window = padded[:, top : top + 4, left : left + 4]
        torch.testing.assert_close(moved[row], window.flip(2) if mirror[row] else window)
    critic = Affine(torch.linspace(-1, 1, 16, dtype=torch.float64))
    view = discriminator_view(critic, real, images(6, 4, 1))
    values = ConsistencyRegularization(weight=10.0, flip=True, shift=0.25, interval=1).discriminator(view)
    torch.testing.assert_close(values, 10 * (critic(real, None) - critic(moved, None)).square())


def test_bcr_weighs_real_and_generated_images() -> None:
    critic, real, fake = Affine(torch.linspace(-1, 1, 16, dtype=torch.float64)), images(6, 4), images(6, 4, 1)
    view = discriminator_view(critic, real, fake)

    def value(real_weight: float, fake_weight: float) -> torch.Tensor:
        settings = {"flip": True, "shift": 0.25, "interval": 1}
        penalty = BalancedConsistency(real_weight=real_weight, fake_weight=fake_weight, **settings)
        return penalty.discriminator(view)

    moved = Change(flip=True, shift=0.25)(fake, Seeded(6, "bcr" + "fake"))
    torch.testing.assert_close(value(0, 5), 5 * (critic(fake, None) - critic(moved, None)).square())
    torch.testing.assert_close(value(3, 5), value(3, 0) + value(0, 5))


def test_zcr_of_linear_players_in_closed_form() -> None:
    matrix = torch.randn(4, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    generator, critic, latent = Linear(matrix, 2), Affine(WEIGHT), torch.randn(5, 3, dtype=torch.float64)
    label = torch.zeros(5, dtype=torch.int64)
    penalty = LatentConsistency(d_weight=20.0, g_weight=0.5, sigma=0.05, interval=1)
    step = 0.05 * Seeded(5).normal("nearby", 3) @ matrix.T
    fake = generator(latent, label)
    view = discriminator_view(critic, fake, fake, generator=generator, latent=latent)
    torch.testing.assert_close(penalty.discriminator(view), 20 * (step @ WEIGHT).square())
    ours = penalty.generator(generator_view(critic, generator, latent, label))
    torch.testing.assert_close(ours, -0.5 * step.square().mean(dim=1))
    (gradient,) = torch.autograd.grad(ours.mean(), generator.matrix)
    noise = 0.05 * Seeded(5).normal("nearby", 3)
    torch.testing.assert_close(gradient, -0.5 * 2 / (4 * 5) * step.T @ noise)


def test_lecam_follows_its_recurrence_and_waits_for_its_start() -> None:
    penalty = LeCam(weight=0.3, decay=0.9, start=2, interval=1).double()
    critic, real_mean, fake_mean = Affine(WEIGHT), 0.0, 0.0
    for step in range(4):
        real, fake = images(3, 2, 2 * step), images(3, 2, 2 * step + 1)
        view = discriminator_view(critic, real, fake)
        values = penalty.discriminator(view)
        expected = (view.real.logits - fake_mean) ** 2 + (view.fake.logits - real_mean) ** 2
        torch.testing.assert_close(values, 0.3 * expected if step >= 2 else torch.zeros_like(values))
        penalty.after_step("generator", critic)  # not its player
        penalty.after_step("discriminator", critic)
        kept = 0.9 if step else 0.0
        real_mean = kept * real_mean + (1 - kept) * view.real.logits.mean().item()
        fake_mean = kept * fake_mean + (1 - kept) * view.fake.logits.mean().item()
        assert penalty.real.item() == pytest.approx(real_mean)
        assert penalty.fake.item() == pytest.approx(fake_mean)
    restored = LeCam(weight=0.3, decay=0.9, start=2, interval=1).double()
    restored.load_state_dict(penalty.state_dict())
    torch.testing.assert_close(restored.discriminator(view), penalty.discriminator(view))


def test_lecam_counts_the_steps_of_the_discriminator_when_it_is_lazy() -> None:
    penalty, critic = LeCam(weight=0.3, decay=0.9, start=8, interval=4).double(), Affine(WEIGHT)
    begun = []
    for number in range(0, 16, 4):
        view = discriminator_view(critic, images(3, 2, number), images(3, 2, number + 1))
        begun.append(bool(penalty.discriminator(view).any()))
        penalty.after_step("discriminator", critic)
    assert begun == [False, False, True, True]


def test_weight_clipping_cuts_the_discriminator_alone() -> None:
    clipping, network = WeightClipping(bound=0.01, interval=1), nn.Linear(3, 2)
    before = network.weight.detach().clone()
    clipping.after_step("generator", network)
    torch.testing.assert_close(network.weight.detach(), before)
    clipping.after_step("discriminator", network)
    torch.testing.assert_close(network.weight.detach(), before.clamp(-0.01, 0.01))


def test_orthogonal_against_a_double_loop_without_embeddings() -> None:
    network = nn.Sequential(nn.Conv2d(2, 3, 3), nn.Linear(4, 5), nn.Embedding(6, 4)).double()
    expected = 0.0
    for weight in (network[0].weight, network[1].weight):
        rows = weight.detach().flatten(1)
        expected += sum((rows[i] @ rows[j]).item() ** 2 for i in range(len(rows)) for j in range(len(rows)) if i != j)
    value = off_diagonal(network)
    assert value.item() == pytest.approx(expected)
    # d/dW ||W W^T without diagonal||^2 = 4 (W W^T without diagonal) W
    (gradient,) = torch.autograd.grad(value, network[1].weight)
    rows = network[1].weight.detach()
    torch.testing.assert_close(gradient, 4 * (rows @ rows.T - torch.diag((rows @ rows.T).diag())) @ rows)
    nn.init.orthogonal_(network[1].weight)
    nn.init.orthogonal_(network[0].weight)
    four_by_five = network[1].weight.detach()  # 5 rows in 4 dimensions cannot be orthogonal; 4 can
    assert off_diagonal(nn.Sequential(network[0])).item() == pytest.approx(0.0, abs=1e-20)
    assert four_by_five.shape == (5, 4)


def test_feature_matching_of_linear_players_in_closed_form() -> None:
    matrix = torch.randn(4, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    generator, critic, latent = Linear(matrix, 2), Affine(WEIGHT), torch.randn(5, 3, dtype=torch.float64)
    label, real = torch.zeros(5, dtype=torch.int64), images(7, 2)
    between = real.flatten(1).mean(dim=0) - matrix @ latent.mean(dim=0)  # the features are the images
    gradients = {"l1": -between.sign() / 4, "l2": -2 * between}
    for norm, expected in {"l1": between.abs().mean(), "l2": between.square().sum()}.items():
        view = generator_view(critic, generator, latent, label, real=real)
        value = FeatureMatching(weight=0.7, norm=norm, interval=1).generator(view)
        torch.testing.assert_close(value, 0.7 * expected)
        (gradient,) = torch.autograd.grad(value, generator.matrix)
        torch.testing.assert_close(gradient, 0.7 * gradients[norm][:, None] * latent.mean(dim=0))


class TwoLayers(StyleGenerator):
    """The sum of a linear map of each layer's style."""

    layers = 2

    def __init__(self, matrices: Tensor) -> None:
        super().__init__()
        self.matrices = nn.Parameter(matrices)

    def style(self, latent: Tensor, label: Tensor) -> Tensor:
        return latent

    def synthesis(self, style: Tensor, seeds: Tensor) -> Tensor:
        return torch.einsum("nls,lps->np", style, self.matrices).view(len(style), 2, 2, 2)

    def forward(self, latent: Tensor, label: Tensor) -> Tensor:
        return self.synthesis(latent[:, None].expand(-1, 2, -1), label)


def test_path_length_averages_over_the_layers_of_a_linear_synthesis_in_closed_form() -> None:
    draw = torch.Generator().manual_seed(5)
    generator = TwoLayers(torch.randn(2, 8, 3, dtype=torch.float64, generator=draw))
    latent = torch.randn(6, 3, dtype=torch.float64, generator=draw, requires_grad=True)
    critic = Affine(torch.linspace(-1, 1, 8, dtype=torch.float64))
    view = generator_view(critic, generator, latent, torch.zeros(6, dtype=torch.int64))
    direction = view.draws.normal("path_length", 2, 2, 2).flatten(1).double()
    squares = torch.einsum("np,lps->nls", direction, generator.matrices).square().sum(dim=2)  # (N, layers)
    expected = (squares.mean(dim=1) / 4).sqrt()
    value = PathLength(weight=2.0, decay=0.25, interval=1).double().generator(view)
    torch.testing.assert_close(value, 2.0 * expected.square())
    ours, theirs = (
        torch.autograd.grad(each.sum(), generator.matrices, retain_graph=True)[0]
        for each in (value, 2.0 * expected.square())
    )
    torch.testing.assert_close(ours, theirs)


def test_path_length_mean_follows_its_recurrence() -> None:
    penalty = PathLength(weight=2.0, decay=0.25, interval=1).double()
    mean = 0.0
    for step in range(3):
        penalty._means = [torch.tensor(1.0 + step, dtype=torch.float64), torch.tensor(3.0 + step, dtype=torch.float64)]
        penalty.after_step("discriminator", nn.Identity())
        penalty.after_step("generator", nn.Identity())
        mean += 0.25 * (2.0 + step - mean)
        assert penalty.mean.item() == pytest.approx(mean)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: R1(gamma=1.0, interval=0), r"model.regularizer.r1.interval=0"),
        (lambda: WGANGP(weight=1.0, interval=-1), r"model.regularizer.wgan_gp.interval=-1"),
        (lambda: ApproximateR1(gamma=1.0, sigma=0.0, interval=1), r"approximate_r1.sigma=0.0"),
        (lambda: WeightClipping(bound=0.0, interval=1), r"weight_clipping.bound=0.0"),
        (lambda: FeatureMatching(weight=1.0, norm="l3", interval=1), r"feature_matching.norm=l3"),
        (lambda: Orthogonal(weight=1.0, players=["classifier"], interval=1), r"orthogonal.players=\['classifier'\]"),
    ],
)
def test_settings_out_of_range_are_refused(make, reason) -> None:
    with pytest.raises(ConfigError, match=reason):
        make()
