"""What YAML files say about their settings, and where the classes are that they name."""

from pathlib import Path

import pytest

from sparring.config.comments import settings_in, settings_of, source_of
from sparring.core.package import FOLDER

TEXT = """\
# What the file is.
defaults:
  - _self_
seed: 1               # of all draws
name: "a # b"         # no comment before the last
empty:                # nothing yet
shape: {width: 8, height: [1, 2]}  # of an image
ema:   # an average
  half_life: 10000    # images,
                      # real ones
  start: 0
items:                # one a line
  - a   # not of a setting
"""


def test_settings_with_what_is_written_behind_them() -> None:
    found = {name: (written, comment) for name, written, comment in settings_of(TEXT)}
    assert found == {
        "defaults": ("", ""),
        "seed": ("1", "of all draws"),
        "name": ('"a # b"', "no comment before the last"),
        "empty": ("", "nothing yet"),
        "shape": ("{width: 8, height: [1, 2]}", "of an image"),
        "ema": ("", "an average"),
        "ema.half_life": ("10000", "images, real ones"),
        "ema.start": ("0", ""),
        "items": ("", "one a line"),
    }


@pytest.mark.parametrize("text", ["", "# nothing\n", "- a\n"])
def test_a_file_without_settings(text: str) -> None:
    assert list(settings_of(text)) == []


def test_settings_carry_the_name_that_is_typed(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("_target_: x.Y\nsteps: 3  # of a run\n")
    assert settings_in(file, "model/loss") == [("model.loss.steps", "3", "of a run")]
    file.write_text("# @package _global_\nsteps: 3\n")
    assert settings_in(file, "debug") == [("steps", "3", "")]


def test_the_module_of_a_class_is_found_without_importing_it() -> None:
    assert source_of("sparring.attack.pgd.PGD") == (FOLDER / "attack" / "pgd.py", "PGD")
    assert source_of("torch.optim.Adam") is source_of("sparring.nowhere.X") is source_of("X") is None
