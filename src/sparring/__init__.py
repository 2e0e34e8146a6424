"""sparring: deep GANs for image classification, from one config to a result that a reviewer believes.

In a notebook (`docs/notebook.ipynb`):

    run = sparring.train("model=dcgan", "data=digits")
    images, labels = run.sample(100)

Nothing here imports torch before one of these functions is used.
"""

import os
import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

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
    from sparring.api.attack import AttackResult, attack
    from sparring.api.compose import compose
    from sparring.api.evaluate import evaluate
    from sparring.api.open import open
    from sparring.api.pretrained import from_pretrained
    from sparring.api.run import Run
    from sparring.api.train import train

_HOMES = {
    "AttackResult": "attack",
    "Run": "run",
    "compose": "compose",
    "evaluate": "evaluate",
    "from_pretrained": "pretrained",
    "open": "open",
    "train": "train",
}

__all__ = [
    "AttackResult", "CheckpointError", "ConfigError", "DataError", "DiskError", "DivergedError", "Interrupted",
    "OutOfMemoryError", "Run", "SparringError", "__version__", "attack", "compose", "evaluate", "from_pretrained",
    "open", "train",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    """Import what the interface offers when it is first used (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module 'sparring' has no attribute '{name}'")
    if "torch" not in sys.modules:  # as on the command line: threads that wait for long slow each other down
        os.environ.setdefault("GOMP_SPINCOUNT", "1000")
    value = globals()[name] = getattr(import_module(f"sparring.api.{_HOMES[name]}"), name)
    return value


def __dir__() -> list[str]:
    return sorted(__all__)


class _AttackPackage(ModuleType):
    """`sparring.attack` is the package of the attacks, one leaf each, and the function that uses them."""

    def __call__(
        self, module: Any, images: Any, labels: Any, attack: str = "pgd", epsilon: float | str = 8 / 255, *,
        seed: int = 0, batch_size: int = 256, rows: int | None = 64, **settings: Any,
    ) -> "AttackResult":  # fmt: skip
        """Attack any classifier that takes images in [0, 1]; `help(sparring.api.attack.attack)` says everything."""
        function = import_module("sparring.api.attack").attack
        return function(
            module, images, labels, attack, epsilon, seed=seed, batch_size=batch_size, rows=rows, **settings
        )


if not TYPE_CHECKING:
    attack = import_module("sparring.attack")  # holds nothing but a docstring
    attack.__class__ = _AttackPackage
