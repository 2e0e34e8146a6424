"""Gradient penalties against closed forms and finite differences."""

import math

import pytest
import torch
from torch.autograd.function import once_differentiable

from sparring.model.regularizer.approximate_r1 import ApproximateR1
from sparring.model.regularizer.bcr import BalancedConsistency
from sparring.model.regularizer.cr import ConsistencyRegularization
from sparring.model.regularizer.dragan import DRAGAN
from sparring.model.regularizer.lecam import LeCam
from sparring.model.regularizer.orthogonal import Orthogonal
from sparring.model.regularizer.r1 import R1
from sparring.model.regularizer.r2 import R2
from sparring.model.regularizer.wgan_gp import WGANGP
from sparring.model.regularizer.zcr import LatentConsistency
from tests.model.affine import WEIGHT, images
from tests.model.views import Affine, Linear, Seeded, Small, discriminator_view

ZERO_CENTRED = [R1(gamma=0.7, interval=1), R2(gamma=0.7, interval=1)]
ONE_CENTRED = [WGANGP(weight=3.0, interval=1), DRAGAN(weight=3.0, scale=0.5, interval=1)]
# Every penalty in D's loss, on the small discriminator
ALL = [
    *ZERO_CENTRED, *ONE_CENTRED,
    ApproximateR1(gamma=0.7, sigma=0.1, interval=1),
    ConsistencyRegularization(weight=10.0, flip=True, shift=0.25, interval=1),
    BalancedConsistency(real_weight=10.0, fake_weight=5.0, flip=True, shift=0.25, interval=1),
    LeCam(weight=0.3, decay=0.9, start=0, interval=1),
    Orthogonal(weight=0.1, players=["discriminator"], interval=1),
    LatentConsistency(d_weight=20.0, g_weight=0.5, sigma=0.5, interval=1),
]  # fmt: skip


def name(penalty: object) -> str:
    return type(penalty).__name__


@pytest.mark.parametrize("penalty", [*ZERO_CENTRED, *ONE_CENTRED], ids=name)
def test_gradient_penalties_of_a_linear_discriminator_in_closed_form(penalty) -> None:
    critic = Affine(WEIGHT)
    values = penalty.discriminator(discriminator_view(critic, images(3, 2), images(3, 2, 1)))
    norm = critic.weight.norm()
    expected = 0.35 * norm**2 if penalty in ZERO_CENTRED else 3.0 * (norm - 1) ** 2
    torch.testing.assert_close(values, expected.expand(3))
    ours, theirs = (
        torch.autograd.grad(value, critic.weight, retain_graph=True)[0] for value in (values.mean(), expected)
    )
    torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("penalty", ALL, ids=name)
def test_weight_gradient_by_finite_differences(penalty) -> None:
    torch.manual_seed(0)
    network, latent = Small(), torch.randn(5, 3, dtype=torch.float64)
    generator = Linear(torch.randn(16, 3, dtype=torch.float64), 4)

    def total() -> torch.Tensor:
        view = discriminator_view(network, images(5, 4), generator(latent, None), generator=generator, latent=latent)
        return penalty.discriminator(view).mean()

    total().backward()
    kernel = network.body[0].weight
    assert kernel.grad.any()
    for index in [(0, 0, 0, 0), (1, 0, 2, 1), (2, 0, 1, 1)]:
        values = []
        for step in (1e-5, -2e-5):
            with torch.no_grad():
                kernel[index] += step
            values.append(total().item())
        with torch.no_grad():
            kernel[index] += 1e-5
        assert kernel.grad[index].item() == pytest.approx((values[0] - values[1]) / 2e-5, rel=1e-5, abs=1e-8)


@pytest.mark.parametrize("penalty", ONE_CENTRED, ids=name)
def test_norms_have_a_finite_slope_where_the_gradient_is_zero(penalty) -> None:
    critic = Affine(torch.zeros(4, dtype=torch.float64))
    penalty.discriminator(discriminator_view(critic, images(2, 2), images(2, 2, 1))).mean().backward()
    assert critic.weight.grad.isfinite().all()


def test_wgan_gp_looks_between_and_dragan_around_real_images() -> None:
    inputs: list[torch.Tensor] = []

    class Watch(Affine):
        def forward(self, image, label):
            inputs.append(image.detach())
            return super().forward(image, label)

    critic, real, fake = Watch(WEIGHT), images(2000, 2), images(2000, 2, 1)
    view = discriminator_view(critic, real, fake)
    WGANGP(weight=1.0, interval=1).discriminator(view)
    share = ((inputs[-1] - fake) / (real - fake)).flatten(1)
    torch.testing.assert_close(share, share[:, :1].expand_as(share))  # one number per image
    assert share.min() > 0
    assert share.max() < 1
    assert share.mean().item() == pytest.approx(0.5, abs=0.02)
    DRAGAN(weight=1.0, scale=0.5, interval=1).discriminator(view)
    noise = (inputs[-1] - real).flatten(1) / (0.5 * real.flatten(1).std(dim=1, keepdim=True))
    assert noise.std().item() == pytest.approx(1.0, abs=0.02)


def test_approximate_r1_for_given_noise_and_in_the_mean() -> None:
    critic, real = Affine(WEIGHT, bias=0.3), images(20_000, 2)
    view = discriminator_view(critic, real, real)
    values = ApproximateR1(gamma=0.7, sigma=0.05, interval=1).discriminator(view)
    noise = Seeded(len(real)).normal("approximate_r1", 1, 2, 2).flatten(1)
    torch.testing.assert_close(values, 0.35 * (noise @ WEIGHT).square())
    # The mean over the noise is R1; the standard error of a squared normal is sqrt(2 / n) of it.
    r1 = 0.35 * WEIGHT.square().sum().item()
    assert values.mean().item() == pytest.approx(r1, rel=4 * math.sqrt(2 / len(real)))


def test_approximate_r1_approaches_r1s_mean_on_a_curved_discriminator() -> None:
    torch.manual_seed(1)
    network, real = Small(), images(1, 4).expand(4000, 1, 4, 4)
    view = discriminator_view(network, real, real)
    exact = R1(gamma=1.0, interval=1).discriminator(view)[0].item()
    near = ApproximateR1(gamma=1.0, sigma=1e-3, interval=1).discriminator(view).mean().item()
    assert near == pytest.approx(exact, rel=0.1)


class OnceOnly(torch.autograd.Function):
    """x^2, whose slope cannot be differentiated again."""

    @staticmethod
    def forward(context, x):
        context.save_for_backward(x)
        return x.square()

    @staticmethod
    @once_differentiable
    def backward(context, slope):
        return 2 * context.saved_tensors[0] * slope


class WithOnceOnly(Affine):
    def forward(self, image: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
        return self.weight[0] * OnceOnly.apply(super().forward(image, label))


def test_approximate_r1_needs_no_second_backward_pass_and_r1_does() -> None:
    network, real = WithOnceOnly(WEIGHT), images(3, 2)
    ApproximateR1(gamma=1.0, sigma=0.05, interval=1).discriminator(
        discriminator_view(network, real, real)
    ).sum().backward()
    assert network.weight.grad.any()
    with pytest.raises(RuntimeError, match="once_differentiable"):
        R1(gamma=1.0, interval=1).discriminator(discriminator_view(network, real, real)).sum().backward()
