"""From configuration to objects: the only caller of Hydra's `instantiate`, behind an allow-list.

A config or a run directory from a stranger must not run code. So every `_target_`, nested ones included, is resolved
first and must be a class or function defined in sparring itself, or one of a few named classes. A user's own package is
allowed by naming it on the command line (`extensions=[mypackage]`), which a file cannot do.
"""

import importlib
from collections.abc import Iterator, Sequence
from typing import Any

import lightning.pytorch as L
from hydra.errors import InstantiationException
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from sparring.errors import ConfigError, SparringError
from sparring.model.gan import GAN
from sparring.model.shapes import check_shapes

NAMED = frozenset(
    {
        "lightning.pytorch.Trainer",
        "torch.optim.Adam",
        "torch.optim.AdamW",
        "torch.optim.RMSprop",
        "torch.optim.SGD",
    }
    | {f"lightning.pytorch.callbacks.{name}" for name in ("EarlyStopping", "LearningRateMonitor", "Timer")}
)


def build(node: DictConfig, *, extensions: Sequence[str] = ()) -> Any:
    """Instantiate a config node whose targets are all allowed.

    Raises:
        ConfigError: a target is not allowed or does not exist, or a class refused its arguments.
    """
    plain = OmegaConf.to_container(node, resolve=True)
    for key, target in _targets(plain, node._get_full_key(None) or "config"):
        _check(key, target, extensions)
    try:
        return instantiate(plain, _convert_="all")
    except InstantiationException as error:
        cause = error.__cause__
        if isinstance(cause, SparringError):
            raise cause from None
        raise ConfigError(_one_sentence(error)) from error


def build_model(config: DictConfig, *, extensions: Sequence[str] = ()) -> L.LightningModule:
    """The LightningModule of a whole config, with the data's shape checked against the networks.

    Raises:
        ConfigError: the networks do not fit each other or the data.
    """
    model = build(config.model, extensions=extensions)
    if isinstance(model, GAN):
        shape = {"channels": config.data.channels, "image_size": config.data.image_size}
        check_shapes(model.generator, model.discriminator, latent_dim=model.latent_dim, **shape)
    return model


def _targets(node: Any, key: str) -> Iterator[tuple[str, str]]:
    """(key, target) of every `_target_` below `node`."""
    if isinstance(node, dict):
        if "_target_" in node:
            yield key, node["_target_"]
        for name, child in node.items():
            yield from _targets(child, f"{key}.{name}")
    elif isinstance(node, list):
        for index, child in enumerate(node):
            yield from _targets(child, f"{key}[{index}]")


def _check(key: str, target: Any, extensions: Sequence[str]) -> None:
    if target in NAMED:
        return
    package = str(target).partition(".")[0]
    if package != "sparring" and package not in extensions:
        raise ConfigError(
            f"{key}._target_={target} is not allowed: targets are sparring's own classes or {', '.join(sorted(NAMED))}; "
            f"if {package} is yours, add extensions=[{package}] to the command line."
        )
    found = _resolve(key, str(target))
    # `sparring.run_dir.os.system` begins with an allowed name but is not defined there.
    origin = getattr(found, "__module__", None) or ""
    if not callable(found) or origin.partition(".")[0] not in ("sparring", *extensions):
        raise ConfigError(f"{key}._target_={target} is not allowed: it is not defined in {package} but in {origin}.")


def _resolve(key: str, target: str) -> Any:
    module, _, name = target.rpartition(".")
    try:
        return getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError):
        raise ConfigError(f"{key}._target_={target} does not exist: {module} has no {name}.") from None


def _one_sentence(error: InstantiationException) -> str:
    """Hydra's message without the repetition: what was built and why it refused."""
    cause = error.__cause__
    text = str(error).splitlines()
    where = next((line for line in text if line.startswith("full_key")), "")
    return f"{text[0].partition(':')[0]} ({where or 'top level'}): {cause or text[-1]}"
