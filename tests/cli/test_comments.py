"""The comments of YAML files, put behind the settings that Hydra prints."""

from pathlib import Path

import pytest
import yaml

from sparring.cli.comments import commented, comments, with_comments
from sparring.config.compose import hydra_at
from tests.conftest import CONF


def test_what_is_printed_stays_the_same_yaml() -> None:
    printed = "seed: 1\nema:\n  half_life: 3\nlong: 'two\n  lines'\nitems:\n- half_life: 4\n"
    known = {"seed": "of all draws", "ema.half_life": "images", "long": "left out", "items": "some", "gone": "no"}
    text = commented(printed, known)
    assert yaml.safe_load(text) == yaml.safe_load(printed)
    lines = text.splitlines()
    assert lines[0].split("  # ") == [f"{'seed: 1':48}", "of all draws"]
    assert lines[2].endswith("  # images")
    assert "left out" not in text
    assert lines[5].endswith("  # some")
    packaged = commented("# @package ema\nhalf_life: 3\n", known)
    assert packaged.splitlines()[1].endswith("  # images")


def test_a_later_file_without_a_comment_keeps_that_of_the_first() -> None:
    with hydra_at(CONF, "train"):
        known = comments("train", ["model=dcgan", "logger=wandb"])
    assert known["resume"].startswith("run directory to continue; auto: ")
    assert known["logger.wandb.mode"].startswith("auto: online where a key works")
    assert known["model.ema.half_life"] == "images"
    assert known["trainer.max_epochs"]
    assert not any(name.startswith("hydra") for name in known)


def test_hydras_answer_goes_out_with_comments(capsys: pytest.CaptureFixture[str]) -> None:
    with_comments(lambda: print("seed: 1\nresume: null"), "train", [], Path(CONF))
    assert capsys.readouterr().out.startswith(f"seed: 1\n{'resume: null':48}  # run directory to continue; auto: ")
