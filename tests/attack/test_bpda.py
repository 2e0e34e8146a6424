"""BPDA: what it climbs, what it is refused on, and that it is stronger than images made on the undefended classifier."""

import pytest
import torch
from torch import Tensor, nn

from sparring.attack.bpda import BPDA
from sparring.attack.ensemble import Ensemble
from sparring.attack.evaluation import flags
from sparring.attack.evaluation.probe import probe
from sparring.attack.evaluation.target import Target
from sparring.attack.fgsm import FGSM
from sparring.attack.math.objective import cross_entropy
from sparring.attack.transfer import Transfer
from sparring.core.errors import ConfigError
from sparring.defence.base import Defended
from tests.attack.conftest import Victim, accuracy, pgd, settings
from tests.attack.every import Rounded


def bpda(**changes: object) -> BPDA:
    return BPDA(**settings(**{"draws": 1, "through": "identity", **changes}))  # type: ignore[arg-type]


def test_it_climbs_the_mean_of_the_classifier_s_gradients_where_the_defence_puts_the_image(victim: Victim) -> None:
    model = Rounded(victim.plain)
    image, label = victim.test.image[:6], victim.test.label[:6]
    expected = torch.zeros_like(image)
    for draw in range(3):
        point = model.rounded(image, draw).requires_grad_()
        nn.functional.cross_entropy(victim.plain(point), label, reduction="sum").backward()
        expected += point.grad / 3
    logits, gradient = bpda(draws=3).mean_gradient(model, image, label, cross_entropy)
    torch.testing.assert_close(gradient, expected, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(logits, victim.plain(model.rounded(image, 0)))


class Bent(nn.Module):
    """Two pixels (a, b), class 0 where a (1 - 100 b^2) is positive; the images of the data have b = 0."""

    def forward(self, image: Tensor) -> Tensor:
        a, b = image.flatten(1).unbind(1)
        margin = a * (1 - 100 * b**2)
        return 5 * torch.stack([margin, -margin], 1)


class Flattened(Defended):
    """`Bent` behind a purifier that takes b back to 0."""

    def __init__(self) -> None:
        super().__init__()
        self.network = Bent()

    def forward(self, image: Tensor) -> Tensor:
        return self.straight_through(image.detach())

    def straight_through(self, image: Tensor, draw: int = 0) -> Tensor:
        purified = (image * torch.tensor([1.0, 0.0])).detach()
        return self.network(image + (purified - image).detach())


def test_it_breaks_a_purifier_that_undoes_what_transfers_from_the_classifier_alone() -> None:
    count = 40
    image = torch.stack([torch.linspace(0.05, 0.15, count), torch.zeros(count)], 1).view(count, 1, 1, 2)
    label, index = torch.zeros(count, dtype=torch.int64), torch.arange(count)
    target = Target(Flattened(), rows=None)
    transfer = Transfer(norm="linf", epsilon=0.1, run="other", attack=pgd()).attach(Bent())
    moved = transfer(target, image, label, index=index, seed=0)
    through = bpda(epsilon=0.1)(target, image, label, index=index, seed=0)
    assert accuracy(target, image, label) == 100
    assert accuracy(Bent(), moved, label) < 25
    assert accuracy(target, moved, label) > 60
    assert accuracy(target, through, label) == 0
    assert float((through.double() - image.double()).abs().max()) <= 0.2


def test_an_image_s_outcome_does_not_depend_on_the_others(victim: Victim) -> None:
    target = Target(Rounded(victim.plain), rows=16)
    image, label, index = victim.test.image[:24], victim.test.label[:24], torch.arange(24)
    attack = bpda(restarts=2, momentum=0.5, draws=2)
    whole = attack(target, image, label, index=index, seed=0)
    parts = [attack(target, image[rows], label[rows], index=rows, seed=0) for rows in index.split(7)]
    assert torch.equal(whole, torch.cat(parts))


def test_what_does_not_apply_is_refused_with_what_does(victim: Victim) -> None:
    image, label, index = victim.test.image[:2], victim.test.label[:2], torch.arange(2)
    target = Target(Rounded(victim.plain), rows=None)
    ensemble = Ensemble(norm="linf", epsilon=0.1, attacks={"fgsm": FGSM(norm="linf", epsilon=0.1, loss="dlr")})
    for attack in (pgd(), FGSM(norm="linf", epsilon=0.1, loss="margin"), ensemble):
        with pytest.raises(
            ConfigError, match=r"Rounded has none .* apply are attack=bpda, attack=square and attack=transfer\.$"
        ):
            attack(target, image, label, index=index, seed=0)
    with pytest.raises(
        ConfigError, match="goes around a defence and there is none here; give defence=purify, or attack=pgd"
    ):
        bpda()(Target(victim.plain, rows=None), image, label, index=index, seed=0)
    with pytest.raises(ConfigError, match="draws=0 is no whole number"):
        bpda(draws=0)
    with pytest.raises(ConfigError, match="through=walls is unknown; give one of identity, choice"):
        bpda(through="walls")
    with pytest.raises(ConfigError, match="loss=kl is unknown"):
        bpda(loss="kl")


def test_flags_of_a_defence(victim: Victim) -> None:
    target = Target(Rounded(victim.plain), rows=None)
    image, label = victim.test.image[:8], victim.test.label[:8]
    assert probe(target, image, label, norm="linf", epsilon=0.2, index=torch.arange(8), seed=0) == []
    assert "add attack=bpda" in (flags.not_bypassed(True, False) or "")
    assert flags.not_bypassed(True, True) is flags.not_bypassed(False, False) is None
    one = {"bpda": bpda()}
    assert Ensemble(norm="linf", epsilon=0.1, attacks=one).bypasses
    assert not Ensemble(norm="linf", epsilon=0.1, attacks={"pgd": pgd()}).bypasses
