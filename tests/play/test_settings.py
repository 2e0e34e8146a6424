"""What the playground refuses before it serves."""

import pytest

from sparring.config.compose import compose
from sparring.core.errors import ConfigError
from sparring.play.settings import PlaySettings


def test_settings_out_of_range_are_refused() -> None:
    assert PlaySettings.of(compose("play", ["run=a"])).host == "127.0.0.1"
    for wrong in ("port=70000", "port=-1", "neighbours=0", "invert_steps=0"):
        with pytest.raises(ConfigError, match=wrong.partition("=")[0]):
            PlaySettings.of(compose("play", ["run=a", wrong]))


def test_what_generate_is_to_be_told_is_kept_as_typed() -> None:
    typed = ["run=a", "device=cpu", "direction.pca.codes=40", "~direction.random", "port=0", "attack.steps=3"]
    assert PlaySettings.of(compose("play", typed), typed).shared == (
        "device=cpu", "direction.pca.codes=40", "~direction.random",
    )  # fmt: skip
