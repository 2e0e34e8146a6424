"""Which attacks an attack config asks for, and the classifiers they are made with."""

from collections.abc import Mapping
from typing import Any

import torch

from sparring.attack.advgan import AdvGANAttack
from sparring.attack.base import Attack
from sparring.attack.ensemble import Ensemble
from sparring.attack.evaluation import baselines
from sparring.attack.evaluation.target import Target
from sparring.attack.transfer import Transfer
from sparring.config.build import Builder
from sparring.core.errors import ConfigError
from sparring.core.task import check_same_task
from sparring.core.types import TrainedNetwork
from sparring.trained.runs import Runs


def named_attacks(settings: Mapping[str, Any], build: Builder) -> dict[str, Attack]:
    """The attacks of the section `attack`, whose settings are plain values, by name; a single one is called as its module is.

    Raises:
        ConfigError: there are none, or an attack refuses its settings.
    """
    if "_target_" in settings:
        one: Attack = build(settings, section="attack")
        return {type(one).__module__.rpartition(".")[2]: one}
    if not settings:
        raise ConfigError("attack has no attacks; choose attack=pgd, or add one with +attack@attack.pgd=pgd.")
    several: Mapping[str, Attack] = build(settings, section="attack")
    return dict(several)


def with_baselines(attacks: dict[str, Attack]) -> dict[str, Attack]:
    """A generated attack that stands alone is compared with random signs, which it has to beat, and PGD, which beats it."""
    (only, *others) = attacks.values()
    return attacks | baselines.baselines() if isinstance(only, AdvGANAttack) and not others else attacks


def attach_sources(
    attacks: Mapping[str, Attack], attacked: TrainedNetwork, runs: Runs, *, device: torch.device, rows: int | None
) -> dict[str, Attack]:
    """The attacks with the networks loaded that they make their images with.

    Args:
        attacked: the classifier that the images are for.
        rows: images per pass through a network; None: as they come.

    Raises:
        CheckpointError: no such run, or it holds no such network.
        DataError: a network that does not fit `attacked`.
    """
    attached: dict[str, Attack] = {}
    for name, each in attacks.items():
        if isinstance(each, Ensemble):
            each.attacks = attach_sources(each.attacks, attacked, runs, device=device, rows=rows)
        if isinstance(each, Transfer):
            source = runs.classifier(each.run)
            _check_same_task(source, attacked, "transfer needs a classifier")
            each = each.attach(Target(source.network.to(device), rows=rows))
        if isinstance(each, AdvGANAttack):
            source = runs.perturber(each.run)
            _check_same_task(source, attacked, "attack=advgan needs a perturbation generator")
            each = each.attach(Target(source.network.to(device), rows=rows), trained_at=source.origin["epsilon"])
        attached[name] = each
    return attached


def _check_same_task(source: TrainedNetwork, attacked: TrainedNetwork, needs: str) -> None:
    check_same_task(source.origin["run"], source.task, other=attacked.origin["run"], wanted=attacked.task, needs=needs)
