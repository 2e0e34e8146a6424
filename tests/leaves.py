"""The leaves of a configuration group, so that a new one is tested by existing."""

from collections.abc import Iterable
from typing import Any

import pytest
import yaml

from tests.conftest import CONF


def leaves(group: str) -> list[str]:
    """Names of the choices of a group such as "model/loss", without files that begin with an underscore."""
    return [path.stem for path in sorted((CONF / group).glob("*.yaml")) if not path.stem.startswith("_")]


def single_leaves(group: str) -> list[str]:
    """Those that are one object each, and not a table of several leaves of the group."""
    return [leaf for leaf in leaves(group) if "_target_" in yaml.safe_load((CONF / group / f"{leaf}.yaml").read_text())]


def slow_but(values: Iterable[Any], *fast: Any) -> list[Any]:
    """Values for `parametrize`, all of which but `fast` are marked slow."""
    values = list(values)
    assert all(each in values for each in fast), fast
    return [value if value in fast else pytest.param(value, marks=pytest.mark.slow) for value in values]
