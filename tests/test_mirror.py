"""The override is the address: conf/a/b.yaml, src/sparring/a/b.py and the target's dotted path say the same."""

from pathlib import Path

import pytest
import yaml

from tests.conftest import CONF, ROOT

PACKAGE = ROOT / "src" / "sparring"
# Groups whose leaves are classes of sparring's own; the others configure Lightning, torch or Hydra.
GROUPS = [
    "model/generator", "model/discriminator", "model/code", "model/head", "model/loss", "model/regularizer", "model/augment",
    "model/selection", "model/schedule", "model/backbone", "callback", "logger", "data", "metric/features", "study", "executor",
    "sampling", "attack", "data/mix",
]  # fmt: skip
# Modules that serve the leaves beside them.
NO_LEAF = {
    "affine", "base", "batch_norm", "colour", "consistency", "contrastive", "__init__", "wandb_settings", "augment", "cache",
    "class_count", "decode", "download", "image_data", "image_set", "public", "source", "split", "storage", "stream", "analysis",
    "cell", "code", "compose", "engine", "plan", "curve", "display", "record", "results", "statistics", "verdict", "work",
    "ingredients", "training_images",
    "ball", "draw", "epsilon", "evaluate", "flags", "objective", "probe", "target", "seen", "filter", "judge", "checked",
}  # fmt: skip


def target(leaf: Path) -> str:
    """The `_target_` of a leaf, which may nest under its own name or, for data, under `source`."""
    content = yaml.safe_load(leaf.read_text())
    inner = (content.get(leaf.stem), content.get("source"), content)
    return next(node for node in inner if isinstance(node, dict))["_target_"]


def leaves(group: str) -> list[Path]:
    return [
        leaf
        for leaf in sorted((CONF / group).glob("*.yaml"))
        if leaf.stem != "default" and not leaf.stem.startswith("_")
    ]


@pytest.mark.parametrize(
    "leaf", [leaf for group in GROUPS for leaf in leaves(group)], ids=lambda leaf: str(leaf.relative_to(CONF))
)
def test_every_leaf_points_to_its_own_module(leaf: Path) -> None:
    address = ".".join(leaf.relative_to(CONF).with_suffix("").parts)
    assert target(leaf).startswith(f"sparring.{address}."), target(leaf)


@pytest.mark.parametrize("group", GROUPS)
def test_every_module_has_a_leaf(group: str) -> None:
    modules = {path.stem for path in (PACKAGE / group).glob("*.py")} - NO_LEAF
    assert modules == {leaf.stem for leaf in leaves(group)}
