"""What every attack has to keep, whatever it does: the ball, the model, the image's own random numbers."""

import copy

import pytest
import torch
from torch import Tensor, nn

from sparring.attack.base import Attack, input_gradient
from sparring.attack.evaluation.target import Target
from sparring.attack.math.objective import cross_entropy, dlr, dlr_targeted, margin
from sparring.core.errors import ConfigError
from tests.attack.conftest import Victim, accuracy, pgd
from tests.attack.every import NAMES, attack_of, victim_of

every_attack = pytest.mark.parametrize("name", NAMES)
both_norms = pytest.mark.parametrize("norm", ["linf", "l2"])
RETURNS_ORIGINALS = ("ensemble", "fab")  # of images that they do not turn wrong


def made(name: str, norm: str, epsilon: float, *, rows: int | None = None) -> Attack:
    """An attack, where it knows the norm; every attack has to know linf."""
    try:
        return attack_of(name, norm, epsilon, rows=rows)
    except ConfigError as error:
        if norm == "linf" or f"norm={norm}" not in str(error):
            raise
        pytest.skip(f"{name} has no {norm} form")


@pytest.mark.slow
@every_attack
@both_norms
@pytest.mark.parametrize("epsilon", [8 / 255, 0.3])
def test_the_ball_is_kept_to_the_last_bit(name: str, norm: str, epsilon: float, victim: Victim) -> None:
    image, label = victim.test.image[:48], victim.test.label[:48]
    attack = made(name, norm, epsilon)
    adversarial = attack(victim_of(attack, victim.plain), image, label, index=torch.arange(48), seed=0)
    change = (adversarial.double() - image.double()).flatten(1)
    distance = change.abs().amax(1) if norm == "linf" else change.norm(dim=1)
    assert adversarial.dtype == torch.float32
    assert not adversarial.requires_grad
    assert float(distance.max()) <= 2 * epsilon
    assert float(adversarial.abs().max()) <= 1
    if name not in RETURNS_ORIGINALS or epsilon > 0.1:
        assert float(distance.max()) > epsilon, "the attack did nothing"


@pytest.mark.slow
@every_attack
@both_norms
def test_an_image_fares_alike_in_any_company(name: str, norm: str, victim: Victim) -> None:
    """Bit for bit, by (seed, index): reordered, in batches of 7, and among others."""
    count = 60
    image, label, index = victim.test.image[:count], victim.test.label[:count], torch.arange(100, 100 + count)
    attack = made(name, norm, 0.2, rows=32)
    target = Target(victim_of(attack, victim.plain), rows=32)
    together = attack(target, image, label, index=index, seed=3)
    order = torch.randperm(count, generator=torch.Generator().manual_seed(2))
    shuffled = attack(target, image[order], label[order], index=index[order], seed=3)
    assert torch.equal(shuffled, together[order])
    parts = [
        attack(target, image[rows], label[rows], index=index[rows], seed=3) for rows in torch.arange(count).split(7)
    ]
    assert torch.equal(torch.cat(parts), together)


@pytest.mark.parametrize("name", ["pgd", "apgd", "square", "noise", "transfer", "bpda"])
@both_norms
def test_another_seed_draws_other_numbers(name: str, norm: str, victim: Victim) -> None:
    image, label, index = victim.test.image[:8], victim.test.label[:8], torch.arange(8)
    attack = made(name, norm, 0.2)
    model = victim_of(attack, victim.plain)
    first, other = (attack(model, image, label, index=index, seed=seed) for seed in (3, 4))
    assert not torch.equal(first, other)


@every_attack
def test_the_model_is_the_same_afterwards(name: str, victim: Victim) -> None:
    attack = made(name, "linf", 0.1)
    inner = nn.Sequential(nn.BatchNorm2d(1), nn.Dropout(0.5), copy.deepcopy(victim.plain))
    model = victim_of(attack, inner).train()
    inner[1].eval()
    inner[0].weight.requires_grad_(False)
    before = {key: value.clone() for key, value in model.state_dict().items()}
    flags = [weight.requires_grad for weight in model.parameters()]
    modes = [module.training for module in model.modules()]
    attack(model, victim.test.image[:8], victim.test.label[:8], index=torch.arange(8), seed=0)
    assert [weight.requires_grad for weight in model.parameters()] == flags
    assert [module.training for module in model.modules()] == modes
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())
    assert all(weight.grad is None for weight in model.parameters())


@every_attack
def test_attacks_work_where_lightning_validates_and_in_channels_last(name: str, victim: Victim) -> None:
    image, label, index = victim.test.image[:8], victim.test.label[:8], torch.arange(8)
    attack = made(name, "linf", 0.2, rows=8)
    target = Target(victim_of(attack, victim.plain), rows=8)
    expected = attack(target, image, label, index=index, seed=0)
    with torch.inference_mode():
        assert torch.equal(attack(target, image.clone(), label.clone(), index=index.clone(), seed=0), expected)
    with torch.no_grad():
        assert torch.equal(attack(target, image, label, index=index, seed=0), expected)
    wide = attack(target, image.to(memory_format=torch.channels_last), label, index=index, seed=0)
    if name in ("advgan", "ensemble", "fab"):  # a network's output or FAB's step, which sum in another order
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
    with pytest.raises(ConfigError, match="DLR needs 3 classes and the classifier has 2; take the loss margin instead"):
        dlr(logits[:, :2], label)


class Hidden(nn.Module):
    differentiable = False

    def forward(self, image: Tensor) -> Tensor:
        raise AssertionError("was queried")


class Thresholded(nn.Module):
    differentiable = False

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> Tensor:
        return self.network(image).detach()


@every_attack
def test_attacks_need_a_gradient_or_work_without(name: str, victim: Victim) -> None:
    attack = made(name, "linf", 0.25)
    image, label, index = victim.test.image[:100], victim.test.label[:100], torch.arange(100)
    if attack.bypasses:
        with pytest.raises(ConfigError, match="goes around a defence and there is none"):
            attack(Hidden(), image, label, index=index, seed=0)
    elif attack.needs_gradient:
        with pytest.raises(ConfigError, match=r"Hidden has none .* apply are attack=square and attack=transfer"):
            attack(Hidden(), image, label, index=index, seed=0)
    else:
        adversarial = attack(Thresholded(victim.plain), image, label, index=index, seed=0)
        most = {"square": 75.0, "transfer": 99.0}.get(name, 100.0)
        assert accuracy(victim.plain, adversarial, label) <= most


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
