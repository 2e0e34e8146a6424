"""Configurations from overrides, as the command line composes them; nothing here imports torch."""

from collections.abc import Iterable, Sequence

from omegaconf import DictConfig

from sparring.config.check import check
from sparring.config.compose import compose as compose_config
from sparring.config.explain import readable_errors
from sparring.core.errors import ConfigError
from sparring.core.package import CONFIG_DIR
from sparring.core.wording import listing, near

Overrides = str | Iterable[str]


def compose(verb: str, *overrides: Overrides) -> DictConfig:
    """The whole configuration of a command, every value resolved; a key that does not exist cannot be set in it.

    >>> import sparring
    >>> config = sparring.compose("train", "model=dcgan", "data=digits", "trainer.max_steps=500")
    >>> config.trainer.max_steps, config.model.latent_dim
    (500, 100)

    Args:
        verb: "train", "generate", "evaluate", "attack", "explain", "enhance" or "study".
        overrides: what would be typed behind the command, one by one or as lists: "group=choice" or "key=value".

    Raises:
        ConfigError: an override names nothing that exists, or has a value of another kind; names what may have been meant.
    """
    verbs = sorted(file.stem for file in CONFIG_DIR.glob("*.yaml"))
    if verb not in verbs:
        raise ConfigError(f"there is no verb {verb!r}{near(str(verb), verbs)} (there are {listing(verbs)})")
    return checked(verb, flat(overrides))


def checked(verb: str, typed: list[str], *, complete: bool = True) -> DictConfig:
    """The configuration of a verb that there is. complete: whether a setting without a value is an error."""
    check(verb, typed, config_dir=CONFIG_DIR, complete=complete)
    with readable_errors():
        return compose_config(verb, typed)


def flat(overrides: Iterable[Overrides]) -> list[str]:
    """Overrides and lists of them as one list. Raises ConfigError: one is no text."""
    typed: list[str] = []
    for each in overrides:
        if isinstance(each, str):
            typed.append(each)
        elif isinstance(each, Sequence) and all(isinstance(item, str) for item in each):
            typed += each
        else:
            raise ConfigError(f"{each!r} is no override: give text such as 'seed=2'.")
    return typed
