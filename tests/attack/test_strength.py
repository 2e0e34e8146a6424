"""How strong: against closed forms, foolbox, AutoAttack, and the cost of a bare loop."""

import math

import pytest
import torch
from torch import Tensor, nn

from sparring.attack.apgd import APGD, checkpoints
from sparring.attack.base import Attack, still_correct
from sparring.attack.ensemble import Ensemble
from sparring.attack.evaluation.evaluate import evaluate
from sparring.attack.evaluation.target import Target, UnitRange
from sparring.attack.fab import FAB, fill
from sparring.attack.fgsm import FGSM
from sparring.attack.math.norm_ball import ball
from sparring.attack.square import Square, side_of_square
from tests.attack.conftest import Victim, accuracy, pgd


def apgd(norm: str, epsilon: float, **changes: object) -> APGD:
    fixed = {"steps": 100, "restarts": 1, "loss": "cross_entropy", "targets": 0, **changes}
    return APGD(norm=norm, epsilon=epsilon, **fixed)  # type: ignore[arg-type]


def standard(norm: str, epsilon: float) -> Ensemble:
    """As conf/attack/ensemble.yaml."""
    attacks: dict[str, Attack] = {
        "apgd_ce": apgd(norm, epsilon),
        "apgd_t": apgd(norm, epsilon, loss="dlr", targets=9),
        "fab_t": FAB(norm=norm, epsilon=epsilon, steps=100, restarts=1, targets=9),
        "square": Square(norm=norm, epsilon=epsilon, queries=5000, area=0.8),
    }
    return Ensemble(norm=norm, epsilon=epsilon, attacks=attacks)


class Linear(nn.Module):
    """Two classes; the margin w x + b decides."""

    def __init__(self, pixels: int) -> None:
        super().__init__()
        draw = torch.Generator().manual_seed(0)
        self.weight = nn.Parameter(torch.randn(pixels, generator=draw))

    def forward(self, image: Tensor) -> Tensor:
        value = image.flatten(1) @ self.weight
        return torch.stack([value, -value], 1)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("norm", "epsilon"), [("linf", 0.005), ("linf", 0.01), ("linf", 0.03), ("l2", 0.03), ("l2", 0.1), ("l2", 0.2)]
)
def test_the_exact_robust_accuracy_of_a_linear_model(norm: str, epsilon: float) -> None:
    """Robust where |w x| > r ||w||_1, or r ||w||_2: no image is near the pixel range's ends."""
    model = Linear(48)
    image = torch.rand(500, 3, 4, 4, generator=torch.Generator().manual_seed(1)) * 0.8 - 0.4
    size = image.abs().max() + 2 * epsilon
    assert size <= 1
    value = (image.flatten(1) @ model.weight).detach()
    label, index = (value < 0).long(), torch.arange(500)
    dual = model.weight.abs().sum() if norm == "linf" else model.weight.norm()
    clear = (value.abs() - 2 * epsilon * dual).abs() > 2e-3 * dual * epsilon  # the edge itself is rounding
    robust = value.abs() > 2 * epsilon * dual
    assert 0.02 < robust.float().mean() < 0.98
    attacks: dict[str, Attack] = {
        "fgsm": FGSM(norm=norm, epsilon=epsilon, loss="margin"),
        "pgd": pgd(norm=norm, epsilon=epsilon, steps=40, loss="margin", start="image"),
        "apgd": apgd(norm, epsilon, loss="margin"),
        "fab": FAB(norm=norm, epsilon=epsilon, steps=5, restarts=1, targets=9),
    }
    for name, attack in attacks.items():
        adversarial = attack(model, image, label, index=index, seed=0)
        standing = (model(adversarial).argmax(1) == label)[clear]
        assert torch.equal(standing, robust[clear]), name


def test_step_sizes_are_fractions_of_the_pixel_range() -> None:
    """On a linear model every Linf step goes the same way, so that the distance is steps * step size, until the ball ends."""
    model = Linear(48)
    image, label, index = torch.zeros(4, 3, 4, 4), torch.zeros(4, dtype=torch.int64), torch.arange(4)

    def distance(attack: Attack) -> float:
        change = attack(model, image, label, index=index, seed=0)
        assert torch.equal(change.abs(), change.abs().max().expand_as(change))
        return float(change.abs().max()) / 2

    assert distance(pgd(steps=3, step_size="2/255", start="image")) == pytest.approx(6 / 255)
    assert distance(pgd(steps=3, step_size="2/255", start="image").at(0.3)) == pytest.approx(6 / 255)
    assert distance(pgd(steps=30, step_size="2/255", start="image")) == pytest.approx(0.2)
    unset = pgd(epsilon=0.1, steps=10, start="image")
    assert unset.step_length(ball("linf", image, 0.1)) == pytest.approx(2 * 2.5 * 0.1 / 10)
    assert unset.at(0.3).step_length(ball("linf", image, 0.3)) == pytest.approx(2 * 2.5 * 0.3 / 10)


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_pgd_of_one_step_of_length_epsilon_from_the_image_is_fgsm(norm: str, victim: Victim) -> None:
    image, label, index = victim.test.image[:20], victim.test.label[:20], torch.arange(20)
    one_step = pgd(norm=norm, epsilon=0.1, steps=1, step_size=0.1, start="image")
    fgsm = FGSM(norm=norm, epsilon=0.1, loss="cross_entropy")
    expected = fgsm(victim.plain, image, label, index=index, seed=0)
    torch.testing.assert_close(one_step(victim.plain, image, label, index=index, seed=0), expected, rtol=0, atol=1e-6)


@pytest.mark.slow
def test_square_stays_above_and_comes_near_the_exact_robust_accuracy() -> None:
    model = Linear(48)
    image = torch.rand(200, 3, 4, 4, generator=torch.Generator().manual_seed(1)) * 0.8 - 0.4
    value = (image.flatten(1) @ model.weight).detach()
    label = (value < 0).long()
    for norm, dual, slack in (("linf", model.weight.abs().sum(), 0.02), ("l2", model.weight.norm(), 0.12)):
        exact = float((value.abs() > 2 * 0.03 * dual).float().mean())
        attack = Square(norm=norm, epsilon=0.03, queries=1000, area=0.8)
        adversarial = attack(model, image, label, index=torch.arange(200), seed=0)
        accuracy_under_square = float((model(adversarial).argmax(1) == label).float().mean())
        assert exact - 1e-6 <= accuracy_under_square <= exact + slack, norm


def test_filling_up_in_closed_form() -> None:
    """min(t, 1) + min(2 t, 1): 0.6 at t = 0.2; 1.8 once the second is full, at t = 0.8; 3 is never reached."""
    rate = torch.tensor([[1.0, 2.0, 0.0]]).expand(3, -1)
    most = (rate > 0).float()
    assert fill(rate, most, torch.tensor([0.6, 1.8, 3.0])).tolist() == pytest.approx([0.2, 0.8, math.inf])


def test_fab_finds_the_nearest_point_also_where_the_range_is_in_the_way() -> None:
    """A linear model and one pixel already at the end: the others have to do its share."""
    model = Linear(3)
    model.weight.data = torch.tensor([4.0, 1.0, 1.0])
    image = torch.tensor([-1.0, 0.9, 0.7]).view(1, 3, 1, 1)
    value = float(image.flatten() @ model.weight.detach())  # -2.4: to be raised, from the first pixel at 4 per unit
    adversarial = FAB(norm="linf", epsilon=0.5, steps=3, restarts=1, targets=1)(
        model, image, torch.tensor([1]), index=torch.tensor([0]), seed=0
    )
    # 4 t + min(t, 0.1) + min(t, 0.3) = 2.4 at t = 0.5; 1.05 of it is taken
    assert value == pytest.approx(-2.4)
    change = (adversarial - image).flatten()
    assert change.tolist() == pytest.approx([0.525, 0.1, 0.3], abs=1e-5)


def test_checkpoints_and_squares_follow_the_papers() -> None:
    assert sorted(checkpoints(100)) == [22, 41, 57, 70, 80, 87, 93, 99]
    sides = [side_of_square(0.8, query, 10000, torch.Size((32, 32))) for query in (1, 11, 51, 201, 501, 8001)]
    assert sides == [29, 20, 14, 10, 7, round(math.sqrt(0.8 / 512 * 1024))]


class Counting(nn.Module):
    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner, self.forwards, self.calls = inner, 0, 0

    def forward(self, image: Tensor) -> Tensor:
        self.forwards += len(image)
        self.calls += 1
        return self.inner(image)


def test_pgd_costs_what_its_steps_cost(victim: Victim) -> None:
    model = Counting(victim.plain)
    pgd(steps=20)(model, victim.test.image[:64], victim.test.label[:64], index=torch.arange(64), seed=0)
    assert (model.calls, model.forwards) == (20, 20 * 64)


def test_restarts_attack_only_what_stands(victim: Victim) -> None:
    image, label, index = victim.test.image, victim.test.label, torch.arange(len(victim.test.label))
    once = pgd(steps=10)(victim.plain, image, label, index=index, seed=0)
    standing = len(still_correct(victim.plain, once, label))
    model = Counting(victim.plain)
    twice = pgd(steps=10, restarts=2)(model, image, label, index=index, seed=0)
    assert model.forwards == 11 * len(label) + 10 * standing
    assert len(still_correct(victim.plain, twice, label)) < standing


def test_on_a_broken_model_the_ensemble_costs_less_than_half_of_the_naive_one(victim: Victim) -> None:
    image, label = victim.test.image[:100], victim.test.label[:100]
    attack = standard("linf", 0.3)
    for each in attack.attacks.values():
        if isinstance(each, Square):
            each.queries = 200
    index = torch.arange(100)
    model = Counting(victim.plain)
    adversarial = attack(model, image, label, index=index, seed=0)
    assert accuracy(victim.plain, adversarial, label) < 5
    naive = 101 * 100 + 9 * 101 * 100 + 9 * 200 * 100 + 200 * 100  # every attack in full on every image
    assert 2 * model.forwards < naive


@pytest.mark.slow
def test_more_restarts_and_the_ensemble_are_never_weaker(victim: Victim) -> None:
    image, label, index = victim.test.image[:100], victim.test.label[:100], torch.arange(100)
    target = Target(victim.robust, rows=50)
    attack = standard("linf", 0.2)
    for each in attack.attacks.values():
        if isinstance(each, Square):
            each.queries = 200
        if isinstance(each, APGD | FAB):
            each.steps = 30
    together, many, *single = (
        evaluate(each, target, image, label, index=index, seed=0, batch_size=100).accuracy
        for each in (attack, pgd(steps=50), *attack.attacks.values())
    )
    assert together <= min(single)
    assert together < many


@pytest.mark.slow
@pytest.mark.parametrize("norm", ["linf", "l2"])
@pytest.mark.parametrize("kind", ["plain", "robust"])
def test_pgd_is_within_half_a_point_of_foolbox(norm: str, kind: str, victim: Victim) -> None:
    foolbox = pytest.importorskip("foolbox", reason="pip install --no-deps foolbox eagerpy GitPython gitdb smmap")
    model: nn.Module = getattr(victim, kind)
    image, label = victim.test.image, victim.test.label
    epsilon, steps = (0.15, 40) if norm == "linf" else (0.5, 40)
    ours = pgd(norm=norm, epsilon=epsilon, steps=steps, start="image")
    adversarial = ours(model, image, label, index=torch.arange(len(label)), seed=0)
    theirs = {"linf": foolbox.attacks.LinfPGD, "l2": foolbox.attacks.L2PGD}[norm](
        rel_stepsize=2.5 / steps, steps=steps, random_start=False
    )
    unit = foolbox.PyTorchModel(UnitRange(model).eval(), bounds=(0, 1))
    _, clipped, _ = theirs(unit, (image + 1) / 2, label, epsilons=epsilon)
    ours, published = accuracy(model, adversarial, label), accuracy(model, clipped * 2 - 1, label)
    print(f"{kind} {norm}: ours {ours:.2f}, foolbox {published:.2f}")
    assert abs(ours - published) <= 0.5


@pytest.mark.slow
@pytest.mark.parametrize(("norm", "epsilon"), [("linf", 0.2), ("l2", 0.4)])
@pytest.mark.parametrize("which", ["apgd-ce", "apgd-t", "fab-t", "standard"])
def test_within_a_point_of_autoattack(which: str, norm: str, epsilon: float, victim: Victim) -> None:
    """Its custom version restarts APGD-CE and FAB five times, its standard version once."""
    pyautoattack = pytest.importorskip("pyautoattack", reason="pip install --no-deps pyautoattack")
    image, label = victim.test.image[:300], victim.test.label[:300]
    ours: Attack = {
        "apgd-ce": lambda: apgd(norm, epsilon, restarts=5),
        "apgd-t": lambda: apgd(norm, epsilon, loss="dlr", targets=9),
        "fab-t": lambda: FAB(norm=norm, epsilon=epsilon, steps=100, restarts=5, targets=9),
        "standard": lambda: standard(norm, epsilon),
    }[which]()
    adversarial = ours(victim.robust, image, label, index=torch.arange(300), seed=0)
    custom = {"version": "custom", "attacks": [which]} if which != "standard" else {"version": "standard"}
    theirs = pyautoattack.AutoAttack(
        UnitRange(victim.robust).eval(), norm={"linf": "Linf", "l2": "L2"}[norm], eps=epsilon, seed=0, **custom
    )
    reference = theirs.run_standard_evaluation((image + 1) / 2, label, batch_size=300)
    reference = reference[0] if isinstance(reference, tuple) else reference
    ours, published = accuracy(victim.robust, adversarial, label), accuracy(victim.robust, reference * 2 - 1, label)
    print(f"{which} {norm}: ours {ours:.2f}, AutoAttack {published:.2f}")
    assert round(abs(ours - published), 3) <= 1  # percent of 300 images in float32
