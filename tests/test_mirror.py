"""The override is the address: conf/a/b.yaml, src/sparring/a/b.py and the target's dotted path say the same."""

from pathlib import Path

import pytest
import yaml

from tests.conftest import CONF, ROOT

PACKAGE = ROOT / "src" / "sparring"
# Groups whose leaves are classes of sparring's own; the others configure Lightning, torch or Hydra.
GROUPS = [
    "attack",
    "callback",
    "data",
    "data/mix",
    "defence",
    "executor",
    "logger",
    "metric/features",
    "model/augment",
    "model/augmentation",
    "model/backbone",
    "model/code",
    "model/discriminator",
    "model/generator",
    "model/head",
    "model/loss",
    "model/perturber",
    "model/regularizer",
    "model/robust",
    "model/schedule",
    "model/selection",
    "model/threat",
    "sampling",
    "study",
]
# Leaves that are several of their group's.
TABLES = {"default", "defended"}
# Modules that serve the leaves beside them.
NO_LEAF = {
    "__init__",
    "adversarial",
    "affine",
    "analysis",
    "augment",
    "ball",
    "base",
    "augment_report",
    "batch_norm",
    "truncation",
    "beside",
    "cache",
    "cell",
    "checked",
    "class_count",
    "code",
    "colour",
    "compose",
    "consistency",
    "contrastive",
    "corruption_tables",
    "curve",
    "decode",
    "display",
    "download",
    "draw",
    "engine",
    "epsilon",
    "evaluate",
    "evaluated",
    "filter",
    "flags",
    "held_out",
    "image_data",
    "image_set",
    "ingredients",
    "judge",
    "judged",
    "kept",
    "mixing",
    "objective",
    "pair",
    "pixel",
    "plan",
    "probe",
    "public",
    "record",
    "residual",
    "results",
    "robust_arms",
    "search",
    "seen",
    "source",
    "similarity",
    "split",
    "statistics",
    "step_cost",
    "storage",
    "stream",
    "target",
    "training_images",
    "verdict",
    "wandb_settings",
    "work",
}


def target(leaf: Path) -> str:
    """The `_target_` of a leaf, which may nest under its own name or, for data, under `source`."""
    content = yaml.safe_load(leaf.read_text())
    nested = content.get(leaf.stem)
    inner = nested if isinstance(nested, dict) else content.get("source", content)
    return inner["_target_"]


def leaves(group: str) -> list[Path]:
    return [
        leaf
        for leaf in sorted((CONF / group).glob("*.yaml"))
        if leaf.stem not in TABLES and not leaf.stem.startswith("_")
    ]


@pytest.mark.parametrize(
    "leaf", [leaf for group in GROUPS for leaf in leaves(group)], ids=lambda leaf: str(leaf.relative_to(CONF))
)
def test_every_leaf_points_to_its_own_module(leaf: Path) -> None:
    address = ".".join(leaf.relative_to(CONF).with_suffix("").parts)
    assert target(leaf).startswith(f"sparring.{address}."), target(leaf)


@pytest.mark.parametrize("group", GROUPS)
def test_every_module_has_a_leaf(group: str) -> None:
    modules, known = {path.stem for path in (PACKAGE / group).glob("*.py")}, {leaf.stem for leaf in leaves(group)}
    assert modules - NO_LEAF <= known <= modules  # a name may stand for a leaf here and for a part elsewhere
