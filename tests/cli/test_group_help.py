"""`--help <group>`: from conf/ alone, for every group that there is."""

import re
from pathlib import Path

import pytest

from sparring.cli.group_help import group_help
from sparring.core.errors import ConfigError
from tests.conftest import CONF, ROOT

GROUPS = sorted({file.parent.relative_to(CONF).as_posix() for file in CONF.rglob("*/*.yaml") if file.name[0] != "_"})


def shown(*asked: str) -> str:
    return re.sub(r"\s+", " ", group_help(asked, [CONF], verb="train"))


def test_the_loggers_with_their_settings_and_variables() -> None:
    text = shown("logger")
    assert "logger.wandb.mode=auto auto: online where a key works" in text
    assert "tensorboard --logdir logs" in text
    variables = set(re.findall(r"^#(WANDB_\w+)=", (ROOT / ".env.example").read_text(), flags=re.MULTILINE))
    assert len(variables) > 5
    assert variables <= set(re.findall(r"WANDB_\w+", text))


def test_many_choices_are_listed_and_one_is_shown() -> None:
    text = shown("model")
    assert "rpgan The quick recipe: RpGAN + R1 + R2 on a small norm-free convolutional pair sagan" in text
    assert "model/loss" in text
    assert "python -m" not in text.partition("More")[0]
    assert "--help model=acgan the settings of one choice" in text
    assert "model.latent_dim" not in text
    assert "model.generator_optimizer={lr: 2e-3" in shown("model=rpgan")


def test_a_leaf_without_a_comment_is_told_by_its_module() -> None:
    assert "Hinge loss (Lim and Ye 2017" in shown("model/loss")
    assert shown("model/loss=hinge") == shown("model.loss=hinge")


@pytest.mark.parametrize("group", GROUPS)
def test_every_group_is_told(group: str) -> None:
    text = group_help([group], [CONF], verb="train")
    assert text.startswith(f"{group}\n    ")
    assert "_target_" not in text


def test_choices_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "model" / "loss").mkdir(parents=True)
    (tmp_path / "model" / "loss" / "mine.yaml").write_text(
        "# Better than the others.\n_target_: mine.Loss\nweight: 2  # of it\n"
    )
    text = group_help(["model/loss=mine"], [CONF, tmp_path], verb="train")
    assert re.findall(r"\S.*", text) == ["model/loss=mine", "Better than the others.", "model.loss.weight=2  of it"]


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ("modle", "no group 'modle', did you mean model?"),
        ("seed", "no group 'seed'"),
        ("model=rpgam", "did you mean rpgan"),
    ],
)
def test_what_there_is_not(asked: str, says: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(says)):
        group_help([asked], [CONF], verb="train")
