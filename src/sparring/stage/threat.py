"""Which attacks an attack config asks for, at which strengths, and the classifiers they are made with."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, ListConfig

from sparring.attack import beside
from sparring.attack.advgan import AdvGAN
from sparring.attack.base import Attack
from sparring.attack.ensemble import Ensemble
from sparring.attack.epsilon import pixel_fraction
from sparring.attack.target import Target
from sparring.attack.transfer import Transfer
from sparring.build import build
from sparring.cli.resume import find_run
from sparring.errors import ConfigError
from sparring.run_dir import RunDir
from sparring.stage.generate import device_named
from sparring.stage.load import Loaded, load_classifier, load_perturber


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
    return attacks | beside.references() if isinstance(only, AdvGAN) and not others else attacks


def attach_sources(attacks: Mapping[str, Attack], loaded: Loaded, config: DictConfig) -> dict[str, Attack]:
    """The attacks with the classifiers of their transfers loaded. Raises ConfigError where those do not fit `loaded`."""
    attached: dict[str, Attack] = {}
    for name, each in attacks.items():
        if isinstance(each, Ensemble):
            each.attacks = attach_sources(each.attacks, loaded, config)
        if isinstance(each, Transfer):
            source = load(each.run, config)
            check_same_task(source, loaded)
            each = each.attach(Target(source.network.to(device_named(config.device)), rows=config.rows))
        if isinstance(each, AdvGAN):
            run = RunDir.open(find_run(each.run, Path(config.paths.log_dir)))
            source = load_perturber(run, extensions=list(config.extensions))
            check_same_task(source, loaded, "attack=advgan needs a perturbation generator")
            network = Target(source.network.to(device_named(config.device)), rows=config.rows)
            each = each.attach(network, trained_at=source.origin["epsilon"])
        attached[name] = each
    return attached


def check_same_task(source: Loaded, target: Loaded, needs: str = "transfer needs a classifier") -> None:
    """Raise ConfigError unless both know the same classes and see images of the same shape. needs: who needs what."""
    shapes = [f"{each.channels} x {each.image_size} x {each.image_size}" for each in (source, target)]
    if shapes[0] != shapes[1]:
        raise ConfigError(
            f"{source.origin['run']} sees images of {shapes[0]} and {target.origin['run']} of {shapes[1]}; "
            f"{needs} of the same images."
        )
    if source.class_names != target.class_names:
        raise ConfigError(
            f"{source.origin['run']} knows the classes {', '.join(source.class_names[:10])} and {target.origin['run']} "
            f"{', '.join(target.class_names[:10])}; {needs} of the same classes."
        )


def load(given: str, config: DictConfig, *, checkpoint: str | int = "last") -> Loaded:
    run = RunDir.open(find_run(given, Path(config.paths.log_dir)))
    return load_classifier(run, extensions=list(config.extensions), checkpoint=checkpoint)
