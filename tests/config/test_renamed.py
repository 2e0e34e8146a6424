"""Earlier names lead to the present ones, and every present name exists."""

from pathlib import Path

import pytest
import yaml

from sparring.config.check import check
from sparring.config.compose import CONFIG_DIR
from sparring.config.renamed import RENAMED, present_name
from sparring.core.errors import ConfigError

TYPED = [
    ("train", [], "model/code=cbn", "model/conditioning"),
    ("train", ["model=biggan"], "model.code.shared_dim=64", "model.conditioning.shared_dim"),
    ("train", [], "model.generator.code=null", "model.generator.conditioning"),
    ("train", ["model=classifier"], "model/augmentation=[flip]", "model/transform"),
    ("train", ["model=classifier", "model/transform=[flip]"], "model.augmentation.flip.probability=0.1",
     "model.transform.flip.probability"),
    ("train", [], "model/threat=pgd", "model/discriminator_attack"),
    ("train", ["model=robgan"], "model.threat.steps=3", "model.discriminator_attack.steps"),
    ("train", ["model=robgan"], "model.threat.reach=0.1", "model.discriminator_attack.step_size"),
    ("attack", ["attack=pgd"], "attack.reach=0.1", "attack.step_size"),
    ("attack", [], "attack.pgd.reach=0.1", "attack.pgd.step_size"),
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(("verb", "others", "typed", "present"), TYPED, ids=[each[2] for each in TYPED])
def test_an_earlier_name_is_answered_with_the_present_one(
    verb: str, others: list[str], typed: str, present: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        check(verb, [*others, typed], config_dir=CONFIG_DIR, complete=False)
    assert f"there is no setting or group '{typed.partition('=')[0]}', did you mean {present}?" in str(caught.value)
    value = typed.partition("=")[2]
    check(
        verb, [*others, f"{present}={value}"], config_dir=CONFIG_DIR, complete=False
    )  # the hint works when it is typed


def present_parts() -> set[str]:
    """Names of groups, and of settings at any depth of the files in conf/."""

    def below(node: object) -> set[str]:
        if not isinstance(node, dict):
            return set()
        return {str(key) for key in node}.union(*map(below, node.values()))

    folders = {path.name for path in CONFIG_DIR.rglob("*") if path.is_dir()}
    return folders.union(*(below(yaml.safe_load(path.read_text())) for path in CONFIG_DIR.rglob("*.yaml")))


def test_every_present_name_exists_and_no_earlier_one() -> None:
    assert set(RENAMED.values()) <= present_parts()
    assert not set(RENAMED) & present_parts()


def test_a_name_without_a_present_counterpart_is_left_to_the_near_misses() -> None:
    assert present_name("model.code", ["model.conditioning"]) == "model.conditioning"
    assert present_name("model.code", ["model.head"]) is None
    assert present_name("model.codes", ["model.conditioning"]) is None


def test_a_file_that_names_an_earlier_group_is_told_its_present_name(tmp_path: Path) -> None:
    (tmp_path / "experiment").mkdir()
    (tmp_path / "experiment" / "mine.yaml").write_text(
        "# @package _global_\ndefaults:\n  - /model/code@model.code: cbn\n  - _self_\n"
    )
    with pytest.raises(ConfigError, match=r"no configuration file 'model/code/cbn'; the group model/code is called "):
        check("train", ["experiment=mine", f"hydra.searchpath=[file://{tmp_path}]"], config_dir=CONFIG_DIR)
