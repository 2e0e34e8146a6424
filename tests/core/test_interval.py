"""Marks that depend on the clock alone."""

import pytest

from sparring.core.errors import ConfigError
from sparring.core.interval import check_growing, is_due


def test_marks_are_rounded_powers() -> None:
    assert [step for step in range(100) if is_due(step, first=3, growth=2.0)] == [3, 6, 12, 24, 48, 96]
    assert [step for step in range(30) if is_due(step, first=2, growth=1.5)] == [2, 3, 4, 7, 10, 15, 23]


def test_an_interval_that_does_not_grow_is_refused() -> None:
    check_growing("it", 1, 1.01)
    for first, growth in ((0, 2.0), (1, 1.0)):
        with pytest.raises(ConfigError, match="it needs first >= 1 and growth > 1"):
            check_growing("it", first, growth)
