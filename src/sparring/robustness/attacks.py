"""Which attacks an attack config asks for, at which strengths, and the classifiers they are made with."""

from collections.abc import Mapping
from typing import Any

from omegaconf import DictConfig, ListConfig

from sparring.attack.advgan import AdvGANAttack
from sparring.attack.base import Attack
from sparring.attack.ensemble import Ensemble
from sparring.attack.evaluation import baselines
from sparring.attack.evaluation.target import Target
from sparring.attack.transfer import Transfer
from sparring.config.build import build
from sparring.core.errors import ConfigError
from sparring.core.settings import device_named, pixel_fraction
from sparring.core.task import check_same_task
from sparring.core.types import TrainedNetwork
from sparring.trained.networks import load_classifier, load_perturber
from sparring.trained.runs import open_run


def strengths(given: Any) -> list[float]:
    """One epsilon or a list of them, as fractions of the pixel range, rising. Raises ConfigError."""
    several = list(given) if isinstance(given, ListConfig | list) else [given]
    if not several:
        raise ConfigError("epsilon=[] names no strength; give one or more, such as epsilon=[8/255,0.1].")
    return sorted({pixel_fraction(each) for each in several})


def named_attacks(config: DictConfig) -> dict[str, Attack]:
    """The attacks of `config.attack` by name; a single one is called as its module is."""
    if "_target_" in config.attack:
        one: Attack = build(config.attack, section="attack", extensions=list(config.extensions))
        return {type(one).__module__.rpartition(".")[2]: one}
    if not len(config.attack):
        raise ConfigError("attack has no attacks; choose attack=pgd, or add one with +attack@attack.pgd=pgd.")
    several: Mapping[str, Attack] = build(config.attack, section="attack", extensions=list(config.extensions))
    return dict(several)


def accompanied(attacks: dict[str, Attack]) -> dict[str, Attack]:
    """A generated attack that stands alone gets random signs and PGD beside it: what it has to beat, and what beats it."""
    (only, *others) = attacks.values()
    return attacks | baselines.baselines() if isinstance(only, AdvGANAttack) and not others else attacks


def attach_sources(attacks: Mapping[str, Attack], loaded: TrainedNetwork, config: DictConfig) -> dict[str, Attack]:
    """The attacks with the classifiers of their transfers loaded. Raises DataError where those do not fit `loaded`."""
    attached: dict[str, Attack] = {}
    for name, each in attacks.items():
        if isinstance(each, Ensemble):
            each.attacks = attach_sources(each.attacks, loaded, config)
        if isinstance(each, Transfer):
            source = load(each.run, config)
            _check_same_task(source, loaded, "transfer needs a classifier")
            each = each.attach(Target(source.network.to(device_named(config.device)), rows=config.rows))
        if isinstance(each, AdvGANAttack):
            run = open_run(each.run, config.paths.log_dir)
            source = load_perturber(run, extensions=list(config.extensions))
            _check_same_task(source, loaded, "attack=advgan needs a perturbation generator")
            network = Target(source.network.to(device_named(config.device)), rows=config.rows)
            each = each.attach(network, trained_at=source.origin["epsilon"])
        attached[name] = each
    return attached


def _check_same_task(source: TrainedNetwork, target: TrainedNetwork, needs: str) -> None:
    check_same_task(source.origin["run"], source.task, other=target.origin["run"], wanted=target.task, needs=needs)


def load(given: str, config: DictConfig, *, checkpoint: str | int = "last") -> TrainedNetwork:
    run = open_run(given, config.paths.log_dir)
    return load_classifier(run, extensions=list(config.extensions), checkpoint=checkpoint)
