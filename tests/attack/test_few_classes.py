"""Attacks on classifiers of two and three classes: what adapts, and what is refused before it runs."""

import pytest
import torch
from torch import nn

from sparring.attack.bpda import BPDA
from sparring.attack.ensemble import Ensemble
from sparring.attack.fgsm import FGSM
from sparring.attack.pgd import PGD
from sparring.attack.transfer import Transfer
from sparring.core.errors import ConfigError
from tests.attack.test_strength import apgd, standard


@pytest.mark.parametrize("classes", [2, 3, 4])
def test_the_ensemble_adapts_to_few_classes(classes: int) -> None:
    """Its targeted part has images left to attack: the classifier is robust at this strength."""
    attack = standard("linf", 1e-4).for_classes(classes)
    model = nn.Sequential(nn.Flatten(), nn.Linear(16, classes))
    image = torch.rand(8, 1, 4, 4, generator=torch.Generator().manual_seed(0)) - 0.5
    label = model(image).argmax(1)
    part = Ensemble(norm="linf", epsilon=1e-4, attacks={"apgd_t": attack.attacks["apgd_t"]})
    part(model, image, label, index=torch.arange(8), seed=0)
    remark = attack.remark() or ""
    assert ("apgd_t climbs the margin" in remark) == (classes < 4)


@pytest.mark.parametrize(("targets", "needed"), [(0, 3), (9, 4)])
def test_dlr_alone_is_refused_before_it_runs(targets: int, needed: int) -> None:
    attack = apgd("linf", 0.1, loss="dlr", targets=targets)
    assert attack.for_classes(needed) is attack
    with pytest.raises(
        ConfigError, match=f"needs {needed} classes and the classifier has {needed - 1}; take the loss margin"
    ):
        attack.for_classes(needed - 1)


@pytest.mark.parametrize("loss", ["cross_entropy", "margin", "dlr"])
def test_every_attack_with_a_loss_knows_before_it_runs_how_many_classes_that_needs(loss: str) -> None:
    steps = {"steps": 2, "step_size": None, "start": "uniform", "restarts": 1, "momentum": 0.0}
    pgd = PGD(norm="linf", epsilon=0.1, loss=loss, **steps)
    bpda = BPDA(norm="linf", epsilon=0.1, loss=loss, draws=1, through="identity", **steps)
    transfer = Transfer(norm="linf", epsilon=0.1, run="", attack=pgd)
    for attack in (pgd, bpda, FGSM(norm="linf", epsilon=0.1, loss=loss), transfer):
        assert type(attack.for_classes(3)) is type(attack)
        if loss != "dlr":
            attack.for_classes(2)
            continue
        with pytest.raises(ConfigError, match="needs 3 classes and the classifier has 2; take the loss margin"):
            attack.for_classes(2)
