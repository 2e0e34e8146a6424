"""Every loss against its closed form and its derivative, in float64."""

import math

import pytest
import torch

from sparring.core.errors import ConfigError
from sparring.model.loss.hinge import Hinge
from sparring.model.loss.least_squares import LeastSquares
from sparring.model.loss.linear import LinearLoss
from sparring.model.loss.minimax import Minimax
from sparring.model.loss.non_saturating import NonSaturating
from sparring.model.loss.relativistic_average import RelativisticAverage
from sparring.model.loss.rpgan import RpGAN
from sparring.model.loss.wasserstein import Wasserstein
from sparring.trained.runs import build_model
from tests.conftest import compose


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


REAL, FAKE = 0.7, -1.3
# (loss, D's value, dD/dreal, dD/dfake, G's value, dG/dfake), from the definitions with plain `math`
CASES = [
    (
        NonSaturating(),
        -math.log(sigmoid(REAL)) - math.log(1 - sigmoid(FAKE)), sigmoid(REAL) - 1, sigmoid(FAKE),
        -math.log(sigmoid(FAKE)), sigmoid(FAKE) - 1,
    ),
    (Hinge(), (1 - REAL) + 0.0, -1.0, 0.0, -FAKE, -1.0),
    (
        RpGAN(),
        math.log(1 + math.exp(-(REAL - FAKE))), -sigmoid(FAKE - REAL), sigmoid(FAKE - REAL),
        math.log(1 + math.exp(-(FAKE - REAL))), -sigmoid(REAL - FAKE),
    ),
    (
        Minimax(),
        -math.log(sigmoid(REAL)) - math.log(1 - sigmoid(FAKE)), sigmoid(REAL) - 1, sigmoid(FAKE),
        math.log(1 - sigmoid(FAKE)), -sigmoid(FAKE),
    ),
    (LeastSquares(), 0.5 * (REAL - 1) ** 2 + 0.5 * FAKE**2, REAL - 1, FAKE, 0.5 * (FAKE - 1) ** 2, FAKE - 1),
    (Wasserstein(), FAKE - REAL, -1.0, 1.0, -FAKE, -1.0),
    (LinearLoss(), (FAKE - REAL) / 2, -0.5, 0.5, -FAKE, -1.0),
    (  # with one image a side the means are the logits themselves
        RelativisticAverage(),
        2 * math.log(1 + math.exp(-(REAL - FAKE))), -2 * sigmoid(FAKE - REAL), 2 * sigmoid(FAKE - REAL),
        2 * math.log(1 + math.exp(-(FAKE - REAL))), -2 * sigmoid(REAL - FAKE),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("loss", "d", "d_real", "d_fake", "g", "g_fake"), CASES, ids=lambda case: type(case).__name__)
def test_value_and_gradient(loss, d, d_real, d_fake, g, g_fake) -> None:
    real = torch.tensor([REAL], dtype=torch.float64, requires_grad=True)
    fake = torch.tensor([FAKE], dtype=torch.float64, requires_grad=True)
    value = loss.discriminator(real, fake)
    torch.testing.assert_close(value.item(), d)
    grads = torch.autograd.grad(value.sum(), (real, fake))
    torch.testing.assert_close([grad.item() for grad in grads], [d_real, d_fake])
    value = loss.generator(fake, real.detach())
    torch.testing.assert_close(value.item(), g)
    torch.testing.assert_close(torch.autograd.grad(value.sum(), fake)[0].item(), g_fake)


@pytest.mark.parametrize("loss", [case[0] for case in CASES], ids=lambda loss: type(loss).__name__)
def test_unreduced_and_finite_for_large_logits(loss) -> None:
    real, fake = torch.tensor([200.0, -200.0, 0.0]), torch.tensor([-200.0, 200.0, 0.0])
    for value in (loss.discriminator(real, fake), loss.generator(fake, real)):
        assert value.shape == (3,)
        assert value.isfinite().all()


@pytest.mark.parametrize("loss", [RpGAN(), RelativisticAverage()], ids=lambda loss: type(loss).__name__)
def test_relativistic_losses_need_real_logits(loss) -> None:
    with pytest.raises(ValueError, match="real images"):
        loss.generator(torch.zeros(1), None)


def test_relativistic_average_compares_with_the_mean_of_the_other_side() -> None:
    real, fake = [0.7, -0.2, 1.9], [-1.3, 0.4, 0.1]
    mean_real, mean_fake = sum(real) / 3, sum(fake) / 3
    losses = RelativisticAverage().discriminator(torch.tensor(real).double(), torch.tensor(fake).double())
    expected = [
        -math.log(sigmoid(x - mean_fake)) - math.log(1 - sigmoid(z - mean_real))
        for x, z in zip(real, fake, strict=True)
    ]
    assert losses.tolist() == pytest.approx(expected)
    losses = RelativisticAverage().generator(torch.tensor(fake).double(), torch.tensor(real).double())
    expected = [
        -math.log(sigmoid(z - mean_real)) - math.log(1 - sigmoid(x - mean_fake))
        for x, z in zip(real, fake, strict=True)
    ]
    assert losses.tolist() == pytest.approx(expected)


TINY = ["model.generator.width=4", "model.discriminator.width=4", "data.image_size=8"]


@pytest.mark.slow
@pytest.mark.parametrize("loss", ["linear", "wasserstein"])
def test_losses_without_a_bound_are_refused_without_a_control_of_the_slope(loss: str) -> None:
    chosen = [*TINY, f"model/loss={loss}"]
    for regularizer in ("[]", "[lecam,orthogonal,cr]"):
        with pytest.raises(ConfigError, match=f"model.loss={loss} grows without bound.*add 'model/regularizer="):
            build_model(compose(*chosen, f"model/regularizer={regularizer}"))
    for regularizer in ("wgan_gp", "dragan", "r1", "r2", "approximate_r1", "weight_clipping"):
        build_model(compose(*chosen, f"model/regularizer=[{regularizer}]"))
    normalised = ["model/discriminator=resnet", "model.discriminator.spectral_norm=true", "data.image_size=16"]
    build_model(compose(*chosen, "model/regularizer=[]", *normalised))


def test_comparing_a_whole_batch_in_parts_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"relativistic_average compares the images of a whole batch.*accumulate=2"):
        build_model(compose(*TINY, "model/loss=relativistic_average", "model.accumulate=2"))
