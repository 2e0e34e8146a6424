"""Whether a value given on the command line is of the kind that its setting holds by default."""

from collections.abc import Callable, Iterator
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from sparring.core.wording import listing

# Settings that take more kinds of value than their default shows.
_ALSO: dict[str, Callable[[Any], bool]] = {
    "trainer.devices": lambda value: value == "auto" or isinstance(value, list),
    "study.replicates": lambda value: value == "auto",
    "format": lambda value: isinstance(value, str),
    "epsilon": lambda value: isinstance(value, str | int | float),
    "study.epsilon": lambda value: isinstance(value, str | int | float),
    "corruptions": lambda value: isinstance(value, str),
}


def keys(config: DictConfig, *, hydra: bool) -> list[str]:
    """Dotted names of all settings and sections; of Hydra's own or of all others."""

    def walk(node: Any, prefix: str) -> Iterator[str]:
        items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
        for name, child in items:
            yield f"{prefix}{name}"
            yield from walk(child, f"{prefix}{name}.")

    plain = OmegaConf.to_container(config, resolve=False)
    assert isinstance(plain, dict)
    return list(walk({name: child for name, child in plain.items() if (name == "hydra") == hydra}, ""))


def resolves(config: DictConfig, key: str) -> bool:
    """Whether the value of `key` can be worked out."""
    try:
        OmegaConf.select(config, key, throw_on_missing=False, throw_on_resolution_failure=True)
    except OmegaConfBaseException:
        return False
    return True


def mismatch(config: DictConfig, key: str, given: Any) -> str | None:
    """What `key` takes, when `given` is of another kind than its default; None when it fits.

    A default that is null, missing, or refers to something missing lets anything pass, as does a reference (`${...}`).

    Args:
        config: composed without the value that was typed.
        given: the value that was typed.
    """
    if not resolves(config, key) or (key in _ALSO and _ALSO[key](given)):
        return None
    default = OmegaConf.select(config, key, throw_on_missing=False)
    if OmegaConf.is_config(default):
        default = OmegaConf.to_container(default, resolve=False)
    if default is None or given is None or (isinstance(given, str) and "${" in given) or _fits(default, given):
        return None
    return f"{key} takes {_kind(default)}{_instead(default, given)}"


def _fits(default: Any, given: Any) -> bool:
    if isinstance(default, str):
        return not isinstance(given, list | dict)
    if isinstance(default, bool) or isinstance(given, bool):
        return isinstance(default, bool) and isinstance(given, bool)
    if isinstance(default, float):
        return isinstance(given, int | float)
    return isinstance(given, type(default))


def _kind(default: Any) -> str:
    if isinstance(default, bool):
        return "true or false"
    if isinstance(default, int):
        return f"a whole number such as {default}"
    if isinstance(default, float):
        return f"a number such as {default:g}"
    if isinstance(default, list):
        items = (f'"{item}"' if "=" in str(item) else str(item) for item in default)
        return f"a list such as [{','.join(items)}]"
    if isinstance(default, dict):
        return f"a section with {listing(sorted(map(str, default)))}" if default else "a section"
    return "a single value"


def _instead(default: Any, given: Any) -> str:
    """What was probably meant by a number in another notation."""
    if type(default) is int and isinstance(given, float) and given.is_integer():
        return f", write {int(given)}"
    if isinstance(default, bool) and given in (0, 1):
        return f", write {str(bool(given)).lower()}"
    return f", not '{given}'"
