"""torch-fidelity's modules as an independent oracle, without its torchvision, which these parts do not use.

It must not be installed next to torchmetrics without torchvision: `import torchmetrics` then dies. So it is read from a
folder of its own, named by SPARRING_TORCH_FIDELITY:

    pip install --no-deps --target /tmp/fidelity torch-fidelity==0.4.0
    SPARRING_TORCH_FIDELITY=/tmp/fidelity pytest tests/metric
"""

import importlib
import os
import sys
from types import ModuleType
from typing import Any, ClassVar

import pytest

STAND_INS = ("torchvision", "torchvision.datasets", "torchvision.transforms", "torchvision.transforms.functional")


class _StandIn(ModuleType):
    """Gives its submodules, and an empty class for whatever else is imported from it, so that subclassing works."""

    __path__: ClassVar[list[str]] = []

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return sys.modules.get(f"{self.__name__}.{name}") or type(name, (), {})


def fidelity(module: str) -> Any:
    """`torch_fidelity.<...>`; the test is skipped where there is none, or another version."""
    folder = os.environ.get("SPARRING_TORCH_FIDELITY")
    if folder is None:
        pytest.skip("SPARRING_TORCH_FIDELITY names no folder with torch-fidelity (see tests/metric/fidelity.py)")
    tops = ("torch_fidelity", "torchvision")
    before = {name: sys.modules.pop(name) for name in list(sys.modules) if name.split(".")[0] in tops}
    sys.modules.update({name: _StandIn(name) for name in STAND_INS})
    sys.path.append(folder)
    try:
        return importlib.import_module(module)
    except ImportError as error:
        pytest.skip(f"{module} cannot be imported here: {error}")
    finally:
        sys.path.remove(folder)
        for name in [name for name in sys.modules if name.split(".")[0] in tops]:
            del sys.modules[name]
        sys.modules.update(before)
