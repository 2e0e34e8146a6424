"""The override is the address: conf/a/b.yaml, src/sparring/a/b.py and the target's dotted path say the same."""

from pathlib import Path

import pytest
import yaml

from sparring.core.package import FOLDER
from tests.conftest import CONF

# Groups whose leaves are classes of sparring's own; the others configure Lightning, torch or Hydra.
GROUPS = [
    "attack",
    "attribution",
    "callback",
    "data",
    "data/mix",
    "defence",
    "direction",
    "executor",
    "logger",
    "metric/features",
    "model/augment",
    "model/backbone",
    "model/conditioning",
    "model/degradation",
    "model/discriminator",
    "model/discriminator_attack",
    "model/enhancer",
    "model/generator",
    "model/head",
    "model/loss",
    "model/perturber",
    "model/regularizer",
    "model/robust",
    "model/schedule",
    "model/selection",
    "model/solver",
    "model/transform",
    "model/velocity",
    "sampling",
    "study",
]


def target(leaf: Path) -> str | None:
    """The `_target_` of a leaf, which may nest under its own name or, for data, under `source`. None: a choice of leaves."""
    content = yaml.safe_load(leaf.read_text())
    nested = content.get(leaf.stem)
    inner = nested if isinstance(nested, dict) else content.get("source", content)
    if "_target_" not in inner:
        assert content["defaults"], leaf  # it names leaves of its group, or it is nothing
        return None
    return inner["_target_"]


def leaves(group: str) -> list[Path]:
    files = sorted((CONF / group).glob("[!_]*.yaml"))
    return [leaf for leaf in files if target(leaf) is not None]


@pytest.mark.parametrize(
    "leaf", [leaf for group in GROUPS for leaf in leaves(group)], ids=lambda leaf: str(leaf.relative_to(CONF))
)
def test_every_leaf_points_to_its_own_module(leaf: Path) -> None:
    address = ".".join(leaf.relative_to(CONF).with_suffix("").parts)
    assert str(target(leaf)).startswith(f"sparring.{address}."), target(leaf)


@pytest.mark.parametrize("group", GROUPS)
def test_a_leaf_folder_holds_leaves_and_their_base_alone(group: str) -> None:
    modules = {path.stem for path in (FOLDER / group).glob("*.py")} - {"__init__", "base"}
    assert modules == {leaf.stem for leaf in leaves(group)}
