"""Classes of somebody's images are found by name; position counts only where there are no names."""

import pytest

from sparring.core.errors import ConfigError, DataError
from sparring.data.reading.class_match import match_classes

ANIMALS = ("cat", "dog", "polar bear")
DIGITS = tuple("0123456789")


@pytest.mark.parametrize(
    ("theirs", "ours", "expected"),
    [
        (("dog", "cat"), ANIMALS, {"dog": 1, "cat": 0}),
        (("Polar_Bear", "CAT"), ANIMALS, {"Polar_Bear": 2, "CAT": 0}),
        (("2_polar_bear", "0_cat"), ANIMALS, {"2_polar_bear": 2, "0_cat": 0}),
        (("0", "2"), ANIMALS, {"0": 0, "2": 2}),
        (("07", "1"), ("7", "1"), {"07": 0, "1": 1}),
    ],
)
def test_matches(theirs: tuple[str, ...], ours: tuple[str, ...], expected: dict[str, int]) -> None:
    assert match_classes(theirs, ours, what="x") == expected


def test_as_many_classes_of_other_names_are_not_taken_by_position() -> None:
    words = ("eight", "five", "four", "nine", "one", "seven", "six", "three", "two", "zero")
    with pytest.raises(DataError, match=r"x has the classes eight, five.* none of 0, 1.*: say which is which with k="):
        match_classes(words, DIGITS, what="x", setting="k")
    given = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
    assert match_classes(words, DIGITS, what="x", given=given, setting="k")["eight"] == 8
    assert match_classes(("one",), DIGITS, what="x", given={"one": "1"}, setting="k") == {"one": 1}
    with pytest.raises(ConfigError, match="k names 2 classes and this run has 10"):
        match_classes(words, DIGITS, what="x", given=["a", "b"], setting="k")
    with pytest.raises(ConfigError, match="k maps to cat"):
        match_classes(("one",), DIGITS, what="x", given={"one": "cat"}, setting="k")


def test_two_names_of_one_class_are_refused() -> None:
    with pytest.raises(DataError, match="x has cat and 0_cat, which are both cat"):
        match_classes(("cat", "0_cat"), ANIMALS, what="x")
