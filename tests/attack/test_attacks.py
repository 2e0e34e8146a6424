"""What every attack has to keep, whatever it does: the ball, the model, the image's own random numbers."""

import copy
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from sparring.attack.apgd import APGD
from sparring.attack.base import Attack, input_gradient
from sparring.attack.ensemble import Ensemble
from sparring.attack.evaluation.target import Target
from sparring.attack.fab import FAB
from sparring.attack.fgsm import FGSM
from sparring.attack.math.objective import cross_entropy, dlr, dlr_targeted, margin
from sparring.attack.noise import Noise
from sparring.attack.square import Square
from sparring.attack.transfer import Transfer
from sparring.core.errors import ConfigError
from tests.attack.conftest import Victim, accuracy, network, pgd

Make = Callable[[str, float], Attack]


def _ensemble(norm: str, epsilon: float) -> Attack:
    attacks = {"fgsm": FGSM(norm=norm, epsilon=0.9, loss="margin"), "square": ATTACKS["square"](norm, 0.9)}
    return Ensemble(norm=norm, epsilon=epsilon, attacks=attacks)


def _transfer(norm: str, epsilon: float) -> Attack:
    with torch.random.fork_rng():
        torch.manual_seed(5)
        source = network()
    return Transfer(norm=norm, epsilon=epsilon, run="other", attack=pgd(norm=norm, steps=3)).attach(source)


ATTACKS: dict[str, Make] = {
    "fgsm": lambda norm, epsilon: FGSM(norm=norm, epsilon=epsilon, loss="cross_entropy"),
    "pgd": lambda norm, epsilon: pgd(norm=norm, epsilon=epsilon, steps=5, restarts=2),
    "pgd_momentum": lambda norm, epsilon: pgd(norm=norm, epsilon=epsilon, steps=5, momentum=1.0, loss="dlr"),
    "pgd_trades": lambda norm, epsilon: pgd(norm=norm, epsilon=epsilon, steps=5, loss="kl", start="near"),
    "apgd": lambda norm, epsilon: APGD(
        norm=norm, epsilon=epsilon, steps=12, restarts=2, loss="cross_entropy", targets=0
    ),
    "apgd_t": lambda norm, epsilon: APGD(norm=norm, epsilon=epsilon, steps=6, restarts=1, loss="dlr", targets=3),
    "fab": lambda norm, epsilon: FAB(norm=norm, epsilon=epsilon, steps=8, restarts=2, targets=3),
    "square": lambda norm, epsilon: Square(norm=norm, epsilon=epsilon, queries=30, area=0.8),
    "noise": lambda norm, epsilon: Noise(norm=norm, epsilon=epsilon),
    "ensemble": _ensemble,
    "transfer": _transfer,
}
every_attack = pytest.mark.parametrize("name", ATTACKS)
both_norms = pytest.mark.parametrize("norm", ["linf", "l2"])


@pytest.mark.slow
@every_attack
@both_norms
@pytest.mark.parametrize("epsilon", [8 / 255, 0.3])
def test_the_ball_is_kept_to_the_last_bit(name: str, norm: str, epsilon: float, victim: Victim) -> None:
    image, label = victim.test.image[:48], victim.test.label[:48]
    adversarial = ATTACKS[name](norm, epsilon)(victim.plain, image, label, index=torch.arange(48), seed=0)
    change = (adversarial.double() - image.double()).flatten(1)
    distance = change.abs().amax(1) if norm == "linf" else change.norm(dim=1)
    assert adversarial.dtype == torch.float32
    assert not adversarial.requires_grad
    assert float(distance.max()) <= 2 * epsilon
    assert float(adversarial.abs().max()) <= 1
    if name not in ("ensemble", "fab") or epsilon > 0.1:  # these give back what they cannot fool
        assert float(distance.max()) > epsilon, "the attack did nothing"


@pytest.mark.slow
@every_attack
@both_norms
def test_an_image_fares_alike_in_any_company(name: str, norm: str, victim: Victim) -> None:
    """Bit for bit, by (seed, index): reordered, in batches of 7, and among others."""
    count = 60
    image, label, index = victim.test.image[:count], victim.test.label[:count], torch.arange(100, 100 + count)
    attack, target = ATTACKS[name](norm, 0.2), Target(victim.plain, rows=32)
    if isinstance(attack, Transfer):
        assert attack.source is not None
        attack = attack.attach(Target(attack.source, rows=32))
    together = attack(target, image, label, index=index, seed=3)
    order = torch.randperm(count, generator=torch.Generator().manual_seed(2))
    shuffled = attack(target, image[order], label[order], index=index[order], seed=3)
    assert torch.equal(shuffled, together[order])
    parts = [
        attack(target, image[rows], label[rows], index=index[rows], seed=3) for rows in torch.arange(count).split(7)
    ]
    assert torch.equal(torch.cat(parts), together)
    if name not in ("fgsm", "ensemble", "fab"):  # these may be done before they draw anything
        assert not torch.equal(attack(target, image, label, index=index, seed=4), together)


@every_attack
def test_the_model_is_the_same_afterwards(name: str, victim: Victim) -> None:
    model = nn.Sequential(nn.BatchNorm2d(1), nn.Dropout(0.5), copy.deepcopy(victim.plain)).train()
    model[1].eval()
    model[0].weight.requires_grad_(False)
    before = {key: value.clone() for key, value in model.state_dict().items()}
    flags = [weight.requires_grad for weight in model.parameters()]
    modes = [module.training for module in model.modules()]
    ATTACKS[name]("linf", 0.1)(model, victim.test.image[:8], victim.test.label[:8], index=torch.arange(8), seed=0)
    assert [weight.requires_grad for weight in model.parameters()] == flags
    assert [module.training for module in model.modules()] == modes
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())
    assert all(weight.grad is None for weight in model.parameters())


@every_attack
def test_attacks_work_where_lightning_validates_and_in_channels_last(name: str, victim: Victim) -> None:
    image, label, index = victim.test.image[:8], victim.test.label[:8], torch.arange(8)
    attack, target = ATTACKS[name]("linf", 0.2), Target(victim.plain, rows=8)
    expected = attack(target, image, label, index=index, seed=0)
    with torch.inference_mode():
        assert torch.equal(attack(target, image.clone(), label.clone(), index=index.clone(), seed=0), expected)
    with torch.no_grad():
        assert torch.equal(attack(target, image, label, index=index, seed=0), expected)
    wide = attack(target, image.to(memory_format=torch.channels_last), label, index=index, seed=0)
    if name == "fab":  # sums over an image's pixels in another order
        torch.testing.assert_close(wide, expected, rtol=0, atol=1e-4)
    else:
        assert torch.equal(wide, expected)


def test_gradients_agree_with_finite_differences(victim: Victim) -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 20), nn.Tanh(), nn.Linear(20, 10)).double()
    x = victim.test.image[:3].double()
    label = victim.test.label[:3]
    target = (label + 3) % 10
    for objective in (cross_entropy, margin, dlr, lambda z, y: dlr_targeted(z, y, target)):
        _, _, gradient = input_gradient(model, x, label, objective)
        step = 1e-6 * torch.randn(x.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
        with torch.no_grad():
            rise = objective(model(x + step), label) - objective(model(x - step), label)
        torch.testing.assert_close((2 * gradient * step).flatten(1).sum(1), rise, rtol=1e-5, atol=1e-12)


def test_losses_in_closed_form() -> None:
    logits = torch.tensor([[3.0, 1.0, 0.0, -2.0], [3.0, 1.0, 0.0, -2.0]])
    label = torch.tensor([0, 1])
    assert margin(logits, label).tolist() == [-2, 2]
    assert dlr(logits, label).tolist() == pytest.approx([-2 / 3, 2 / 3])
    assert dlr_targeted(logits, label, torch.tensor([2, 0])).tolist() == pytest.approx([-3 / 4, 2 / 4])
    with pytest.raises(ConfigError, match="DLR needs 3 classes and the classifier has 2; give loss=margin"):
        dlr(logits[:, :2], label)


class Hidden(nn.Module):
    differentiable = False

    def forward(self, image: Tensor) -> Tensor:
        raise AssertionError("was looked at")


@pytest.mark.parametrize("name", ["fgsm", "pgd", "apgd", "ensemble"])
def test_attacks_that_need_a_gradient_say_which_do_not(name: str) -> None:
    with pytest.raises(
        ConfigError, match=r"Hidden has none .*; attacks that apply are attack=square and attack=transfer"
    ):
        ATTACKS[name]("linf", 0.1)(
            Hidden(), torch.zeros(1, 1, 8, 8), torch.zeros(1).long(), index=torch.zeros(1).long(), seed=0
        )


def test_square_and_transfer_need_none(victim: Victim) -> None:
    class Thresholded(nn.Module):
        differentiable = False

        def forward(self, image: Tensor) -> Tensor:
            return victim.plain(image).detach()

    rows = torch.arange(100)
    for name, most in (("square", 75), ("transfer", 99)):
        adversarial = ATTACKS[name]("linf", 0.25)(
            Thresholded(), victim.test.image[:100], victim.test.label[:100], index=rows, seed=0
        )
        assert accuracy(victim.plain, adversarial, victim.test.label[:100]) <= most


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"steps": 0}, "steps=0 is no whole number above 0"),
        ({"loss": "hinge"}, "loss=hinge is unknown"),
        ({"start": "image", "restarts": 2}, "restarts=2 would repeat"),
        ({"start": "far"}, "start=far is unknown"),
        ({"step_size": 0.0}, "step_size=0.0 is no fraction"),
        ({"momentum": 1.5}, "momentum=1.5 must be from 0 to 1"),
        ({"epsilon": 8}, "epsilon=8 is no fraction"),
    ],
)
def test_settings_out_of_range(changes: dict[str, object], sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        pgd(**changes)
