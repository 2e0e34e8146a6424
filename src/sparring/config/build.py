"""From configuration to objects: the only caller of Hydra's `instantiate`, behind an allow-list.

A config or a run directory from a stranger must not run code. So every `_target_`, nested ones included, is resolved
first and must be a class that is defined in its own section of sparring (`model` may build classes of `sparring.model`), or one
of a few named classes. A user's own package is allowed by naming it on the command line (`extensions=[mypackage]`), which
a file cannot do. An object that was made in Python is handed over as such (`given`); a file can only say that there was one.
"""

import importlib
import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType, NoneType
from typing import Any, TypeVar, get_args, get_type_hints

from hydra.errors import InstantiationException
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from sparring.config.allowed import NAMED, check_target, parts
from sparring.core.errors import ConfigError, SparringError
from sparring.run.settings import GIVEN

# Hydra's directives that a leaf needs; the others change what is called, or with what.
DIRECTIVES = frozenset({"_target_", "_partial_"})
NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True)
class Builder:
    """Builds the classes that a configuration may name: sparring's own and those of the user's packages.

    Args:
        extensions: the user's packages; only the command line may name them, or the user's own call from Python.
    """

    extensions: tuple[str, ...] = ()

    @classmethod
    def of(cls, config: DictConfig) -> "Builder":
        """For a verb's configuration, whose `extensions` were typed; never for one that a run directory holds."""
        return cls(tuple(config.extensions))

    def __call__(
        self, node: Mapping[Any, Any], *, section: str, key: str | None = None, given: Mapping[str, Any] = NOTHING
    ) -> Any:
        """Instantiate settings whose targets are all allowed in their section.

        Args:
            node: a part of a configuration, or its values.
            section: of the configuration ("model", "data", ...), and so the package of sparring whose classes may be built.
            key: where plain values stand in the configuration, for messages; None: they are the whole section.
            given: arguments of the node's class that are objects already; the node's own settings under these names are not
                looked at.

        Raises:
            ConfigError: a target is not allowed or does not exist, an object that the node refers to was not given, or a class
                refused its arguments.
        """
        settings: Any = node
        if isinstance(node, DictConfig):
            settings, key = OmegaConf.to_container(node, resolve=True), key or node._get_full_key(None)
        if given:
            settings = {name: child for name, child in settings.items() if name not in given} | {"_partial_": True}
        for where, child in parts(settings, key or section):
            self._check(where, child, section)
        try:
            made = instantiate(settings, _convert_="all")
            return made(**given) if given else made
        except InstantiationException as error:
            cause = error.__cause__
            if isinstance(cause, SparringError):
                raise cause from None
            raise ConfigError(_one_sentence(error)) from error

    def _check(self, key: str, child: Any, section: str) -> None:
        """Raise ConfigError for a value that must not be built."""
        if isinstance(child, dict) and GIVEN in child:
            raise ConfigError(_not_given(key, child[GIVEN]))
        if isinstance(child, dict) and "_target_" in child:
            self._check_target(key, child["_target_"], section)
            _check_nulls(key, child)
        if isinstance(child, dict) and (more := [name for name in child if _directive(name)]):
            raise ConfigError(f"{key}.{more[0]} is not allowed in a configuration: it changes what is called.")
        if isinstance(child, str) and "${" in child:  # instantiate would resolve it, after the checks
            raise ConfigError(
                f"{key} holds {child}, which is still a reference after resolving; write the value itself."
            )

    def _check_target(self, key: str, target: Any, section: str) -> None:
        if not isinstance(target, str):
            raise ConfigError(f"{key}._target_={target} is not allowed: it must be the name of one class, as text.")
        trusted = check_target(key, target, section, self.extensions)
        if target in NAMED:
            return
        module, _, name = target.rpartition(".")
        resolved = _resolve(key, target)
        # `sparring.model.gan.copy` begins with an allowed name but is not defined there.
        if not trusted and not (isinstance(resolved, type) and resolved.__module__ == module):
            raise ConfigError(f"{key}._target_={target} is not allowed: {name} is not a class of {module}.")


def _check_nulls(key: str, settings: Mapping[str, Any]) -> None:
    """Raise ConfigError for a null where the class's annotations have none: it would fail somewhere inside."""
    if not (empty := [name for name, value in settings.items() if value is None]):
        return
    made = _resolve(key, settings["_target_"])
    needed: dict[str, bool] = {}
    for base in reversed(getattr(made, "__mro__", ())):  # a class may hand **settings on to its bases
        if "__init__" in vars(base):
            needed |= _needs_a_value(vars(base)["__init__"])
    for name in empty:
        if needed.get(name):
            raise ConfigError(
                f"{key}.{name}=null: {made.__name__} does not work without it; give a value, or leave it out."
            )


def _needs_a_value(init: Any) -> dict[str, bool]:
    """Of each annotated parameter, whether None is neither of its type nor its default; nothing where that cannot be told."""
    try:
        hints, parameters = get_type_hints(init), inspect.signature(init).parameters
    except (NameError, TypeError, ValueError):  # a type that only a type checker imports, a class written in C
        return {}
    return {
        name: hint is not Any
        and NoneType not in (hint, *get_args(hint))
        and not isinstance(hint, TypeVar)
        and parameters[name].default is not None
        for name, hint in hints.items()
        if name in parameters
    }


build = Builder()  # of sparring's own classes alone


def _not_given(key: str, name: Any) -> str:
    argument = key.rpartition(".")[2]
    return (
        f"{key} is a Python object of the class {name}, which no file can build: open the run in Python with "
        f"sparring.open(<run>, {argument}=<the network>)."
    )


def _directive(name: Any) -> bool:
    text = str(name)
    return text.startswith("_") and text.endswith("_") and text not in DIRECTIVES


def _resolve(key: str, target: str) -> Any:
    module, _, name = target.rpartition(".")
    try:
        return getattr(importlib.import_module(module), name)
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"{key}._target_={target} does not exist: there is no module {error.name}; install it, or put the folder that "
            "holds it into PYTHONPATH (PYTHONPATH=. is the working directory)."
        ) from None
    except (ImportError, AttributeError, ValueError):
        raise ConfigError(f"{key}._target_={target} does not exist: {module} has no {name}.") from None


def _one_sentence(error: InstantiationException) -> str:
    """Hydra's message without the repetition: what was built and why it refused."""
    cause = error.__cause__
    text = str(error).splitlines()
    where = next((line for line in text if line.startswith("full_key")), "")
    return f"{text[0].partition(':')[0]} ({where or 'top level'}): {cause or text[-1]}"
