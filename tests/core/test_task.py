"""The class that is meant, and how it is shown."""

import pytest

from sparring.core.errors import ConfigError
from sparring.core.task import class_index, class_words

NAMES = ("cat", "10", "2", "dog")


@pytest.mark.parametrize(("given", "index"), [("cat", 0), ("10", 1), ("2", 2), ("3", 3), (1, 1), ("dog", 3)])
def test_a_name_wins_over_an_index(given: str | int, index: int) -> None:
    assert class_index(given, NAMES, key="label") == index


@pytest.mark.parametrize("given", ["-1", "4", "", "cats", "1.0"])
def test_no_class(given: str) -> None:
    with pytest.raises(
        ConfigError, match=rf"^label={given} is no class of this run.* It has 0 \(cat\), 1 \(10\), 2, 3 \(dog\)\.$"
    ):
        class_index(given, NAMES, key="label")


def test_how_it_is_shown() -> None:
    assert [class_words(index, NAMES) for index in range(5)] == [
        "class 0 (cat)", "class 1 (10)", "class 2", "class 3 (dog)", "class 4",
    ]  # fmt: skip
