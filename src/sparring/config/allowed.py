"""Which classes a configuration may name, told from the names alone: at the start, and again before one is built."""

from collections.abc import Iterator, Sequence
from typing import Any

from omegaconf import DictConfig, OmegaConf

from sparring.core.errors import ConfigError

NAMED = frozenset(
    {"lightning.pytorch.Trainer", *(f"torch.optim.{name}" for name in ("Adam", "AdamW", "RMSprop", "SGD"))}
)
# Sections whose classes take parts of another section.
ALSO = {"callback": ("metric.features",)}


def check_targets(config: DictConfig) -> None:
    """Raise ConfigError for a class of another package than sparring's own and those that `extensions` names."""
    extensions = OmegaConf.select(config, "extensions") or ()
    for key, node in parts(OmegaConf.to_container(config, resolve=False), ""):
        target = node.get("_target_") if isinstance(node, dict) else None
        if isinstance(target, str) and not target.startswith(
            "sparring."
        ):  # whether a section may build those is told later
            check_target(key, target, key.partition(".")[0], extensions)


def check_target(key: str, target: str, section: str, extensions: Sequence[str]) -> bool:
    """Whether a class may be built without a look at its module: one of `NAMED`, or of a user's package.

    Raises:
        ConfigError: `section` may not build it.
    """
    module = target.rpartition(".")[0]
    if not module:
        raise ConfigError(
            f"{key}._target_={target} is not allowed: a class has a full name, such as mypackage.module.Class."
        )
    if not module:
        raise ConfigError(
            f"{key}._target_={target} is not allowed: a class has a full name, such as mypackage.module.Class."
        )
    if target in NAMED or module.partition(".")[0] in extensions:
        return True
    if not f"{module}.".startswith(tuple(f"sparring.{name}." for name in (section, *ALSO.get(section, ())))):
        raise ConfigError(
            f"{key}._target_={target} is not allowed: {section} builds classes of sparring.{section} and "
            f"{', '.join(sorted(NAMED))}; if it is yours, add extensions=[{target.partition('.')[0]}] to the command line."
        )
    return False


def parts(node: Any, key: str) -> Iterator[tuple[str, Any]]:
    """(key, value) of `node` and everything below it."""
    yield key, node
    children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for name, child in children:
        yield from parts(child, f"{key}.{name}" if key else str(name))
