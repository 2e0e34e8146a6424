"""sparring: deep GANs for image classification, from one config to a result that a reviewer believes.

In a notebook (`docs/notebook.ipynb`):

    run = sparring.train("model=dcgan", "data=digits")
    images, labels = run.sample(100)

Nothing here imports torch before one of these functions is used.
"""

from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

import sparring.attack as _attack
from sparring.core.errors import (
    CheckpointError,
    ConfigError,
    DataError,
    DiskError,
    DivergedError,
    Interrupted,
    OutOfMemoryError,
    SparringError,
)
from sparring.core.package import VERSION as __version__

if TYPE_CHECKING:
    from sparring.api.attack import AttackResult
    from sparring.api.compose import compose
    from sparring.api.evaluate import evaluate
    from sparring.api.open import open
    from sparring.api.run import Run
    from sparring.api.train import train

_HOMES = {
    "AttackResult": "attack",
    "Run": "run",
    "compose": "compose",
    "evaluate": "evaluate",
    "open": "open",
    "train": "train",
}

__all__ = [
    "AttackResult", "CheckpointError", "ConfigError", "DataError", "DiskError", "DivergedError", "Interrupted",
    "OutOfMemoryError", "Run", "SparringError", "__version__", "attack", "compose", "evaluate", "open", "train",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    """Import what the interface offers when it is first used (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module 'sparring' has no attribute '{name}'")
    value = globals()[name] = getattr(import_module(f"sparring.api.{_HOMES[name]}"), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})


class _AttackPackage(ModuleType):
    """`sparring.attack` is the package of the attacks, one leaf each, and the function that uses them."""

    def __call__(
        self,
        module: Any,
        images: Any,
        labels: Any,
        attack: str = "pgd",
        epsilon: float | str = 8 / 255,
        **settings: Any,
    ) -> "AttackResult":
        """Attack any classifier that takes images in [0, 1]; `help(sparring.api.attack.attack)` says everything."""
        return import_module("sparring.api.attack").attack(module, images, labels, attack, epsilon, **settings)


attack = _attack
attack.__class__ = _AttackPackage
