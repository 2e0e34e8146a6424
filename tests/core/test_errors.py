"""Messages for people: what a file's name can do to the terminal that prints it."""

import pytest

from sparring.core.errors import ConfigError, DataError, Interrupted, printable


@pytest.mark.parametrize("text", ["\x1b[2J", "a\rb", "\x07", "\x9b31m", "\u202egnp", "\udc80", "\x7f", "\u200b"])
def test_control_characters_are_written_out(text: str) -> None:
    for error in (DataError(f"{text}.png"), ConfigError(f"{text}.png"), Interrupted(f"{text}.png", 2)):
        assert str(error).isprintable()
        assert str(error).endswith(".png")
    assert "\\" in printable(text)


@pytest.mark.parametrize("text", ["Größe 3×3", "数字.png", "one\ntwo", "a\u00a0b", "back\\slash", ""])
def test_other_text_stays(text: str) -> None:
    assert printable(text) == str(DataError(text)) == text
