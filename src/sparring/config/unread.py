"""Settings that were added to the configuration but that no code reads.

What `+key=value` adds is read in two places: as an argument of the class that its section builds, and as a part of a section
that holds parts by name. Anything else would be accepted and do nothing.
"""

import ast
import importlib.util
from collections.abc import Collection, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from sparring.core.errors import ConfigError
from sparring.core.package import FOLDER
from sparring.core.wording import near

# Sections that hold parts by name, each with a `_target_` of its own.
OPEN = ("callback", "logger", "attack", "attack.attacks", "model.regularizer", "model.transform")
# Arguments of Lightning's Trainer that sparring gives itself, whatever the configuration says.
OF_THE_TRAINER = frozenset(
    {
        "plugins", "callbacks", "logger", "default_root_dir", "enable_checkpointing", "enable_progress_bar",
        "enable_model_summary", "num_sanity_val_steps", "use_distributed_sampler", "fast_dev_run", "gradient_clip_val",
        "gradient_clip_algorithm", "accumulate_grad_batches", "max_time", "min_steps", "min_epochs",
    }
)  # fmt: skip


def leaves(key: str, value: Any) -> list[str]:
    """The settings that `+key=value` adds: those inside of a section, and a part with its class as one."""
    if not isinstance(value, dict) or "_target_" in value:
        return [key]
    return [leaf for name, child in value.items() for leaf in leaves(f"{key}.{name}", child)]


def check_added(config: DictConfig, added: Collection[str]) -> None:
    """Refuse additions of the command line that nothing reads.

    Args:
        config: composed with them.
        added: their keys, such as "trainer.strategy".

    Raises:
        ConfigError: names the first of them, and near names of arguments that the section's class has.
    """
    for key in added:
        owner, argument, target = _owner(config, key)
        if target is None:
            if not _is_part(config, key):
                raise ConfigError(
                    f"nothing reads the setting '{key}', so +{key}=... would do nothing; --cfg job shows all."
                )
            continue
        known = arguments(target)
        inside = OmegaConf.select(config, f"{owner}.{argument}", throw_on_missing=False)
        if OmegaConf.is_dict(inside) and {f"{owner}.{argument}.{name}" for name in inside} <= set(added):
            raise ConfigError(f"nothing reads the setting '{key}': {owner}.{argument} has no settings of its own here.")
        if argument in OF_THE_TRAINER and owner == "trainer":
            raise ConfigError(f"sparring chooses {key} itself, so +{key}=... would do nothing; leave it out.")
        if known is not None and argument not in known:
            raise ConfigError(
                f"nothing reads the setting '{key}': {target.rpartition('.')[2]} takes no {argument}"
                f"{near(argument, known) or '; --cfg job shows what there is.'}"
            )


def check_files(config: DictConfig, known: Collection[str]) -> None:
    """Refuse settings at the top that a file of the user sets and nothing reads.

    Args:
        known: the settings and groups of the verb.

    Raises:
        ConfigError: names the first of them, and near names.
    """
    for key in map(str, config):
        if key not in known:
            raise ConfigError(f"nothing reads the setting '{key}', which a configuration file sets{near(key, known)}")
    for key in config.get("trainer") or ():
        if key in OF_THE_TRAINER:
            raise ConfigError(
                f"trainer.{key}, which a configuration file sets, is chosen by sparring itself; leave it out."
            )


def _owner(config: DictConfig, key: str) -> tuple[str, str, str | None]:
    """The innermost section around `key` that builds a class: its name, the argument that `key` belongs to, and the class."""
    parts = key.split(".")
    for end in range(len(parts) - 1, 0, -1):
        section = ".".join(parts[:end])
        node = OmegaConf.select(config, section, throw_on_missing=False, throw_on_resolution_failure=False)
        if OmegaConf.is_dict(node) and "_target_" in node:
            return section, parts[end], str(node["_target_"])
    return "", key, None


def _is_part(config: DictConfig, key: str) -> bool:
    """Whether `key` is a part by name, or the class of one."""
    section = key.removesuffix("._target_").rpartition(".")[0]
    node = OmegaConf.select(
        config, key.removesuffix("._target_"), throw_on_missing=False, throw_on_resolution_failure=False
    )
    return section in OPEN and OmegaConf.is_dict(node) and "_target_" in node


@cache
def arguments(target: str) -> tuple[str, ...] | None:
    """Names of the arguments of a class, read from its source, before torch is imported; None where that cannot be told."""
    module, _, name = target.rpartition(".")
    file = _source(module, name)
    if file is None or not file.is_file():
        return None
    tree = ast.parse(file.read_text())
    for node in _classes(tree, name):
        for made in node.body:
            if isinstance(made, ast.FunctionDef) and made.name == "__init__":
                taken = made.args
                if taken.kwarg is not None:
                    return None
                return tuple(each.arg for each in [*taken.args, *taken.kwonlyargs] if each.arg != "self")
    return None


def _source(module: str, name: str) -> Path | None:
    """File of the class `name`, of sparring or one of those that a configuration may build besides."""
    package, *inner = module.split(".")
    if package == FOLDER.name:
        return FOLDER.joinpath(*inner).with_suffix(".py")
    inside = {
        "torch.optim": f"optim/{name.lower()}.py",
        "lightning.pytorch": f"pytorch/{name.lower()}/{name.lower()}.py",
    }
    found = importlib.util.find_spec(package) if module in inside else None
    return Path(found.origin).parent / inside[module] if found is not None and found.origin is not None else None


def _classes(tree: Any, name: str) -> Iterator[ast.ClassDef]:
    return (node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == name)
