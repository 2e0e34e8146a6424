"""Every loss against its closed form and its derivative, in float64."""

import math

import pytest
import torch

from sparring.model.loss.hinge import Hinge
from sparring.model.loss.non_saturating import NonSaturating
from sparring.model.loss.rpgan import RpGAN


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


def test_relativistic_loss_needs_real_logits() -> None:
    with pytest.raises(ValueError, match="real images"):
        RpGAN().generator(torch.zeros(1), None)
