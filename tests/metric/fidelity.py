"""torch-fidelity's modules as an independent oracle, without its torchvision, which these parts do not use."""

import importlib
import importlib.util
import sys
from types import ModuleType
from typing import Any

import pytest

STAND_INS = ("torchvision", "torchvision.datasets", "torchvision.transforms", "torchvision.transforms.functional")


class _StandIn(ModuleType):
    """Gives an empty class for whatever is imported from it, so that subclassing works too."""

    __path__: list[str] = []

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (), {})


def fidelity(module: str) -> Any:
    """`torch_fidelity.<...>`; the test is skipped where the package is not installed or has changed."""
    if importlib.util.find_spec("torch_fidelity") is None:
        pytest.skip("torch-fidelity is not installed (pip install --no-deps torch-fidelity==0.4.0)")
    tops = ("torch_fidelity", "torchvision")
    before = {name: sys.modules.pop(name) for name in list(sys.modules) if name.split(".")[0] in tops}
    sys.modules.update({name: _StandIn(name) for name in STAND_INS})
    try:
        return importlib.import_module(module)
    except ImportError as error:
        pytest.skip(f"{module} cannot be imported here: {error}")
    finally:
        for name in [name for name in sys.modules if name.split(".")[0] in tops]:
            del sys.modules[name]
        sys.modules.update(before)
