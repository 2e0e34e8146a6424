"""Intervals over images, and when a method beats a control."""

import pytest
import torch
from scipy import stats

from sparring.attribution.evaluation.comparison import beats, mean_interval


def test_the_interval_is_students() -> None:
    values = torch.tensor([0.1, 0.4, 0.2, 0.9])
    found = mean_interval(values)
    low, high = stats.t.interval(0.95, 3, values.mean(), stats.sem(values))
    assert (found.value, found.low, found.high) == (pytest.approx(0.4), pytest.approx(low), pytest.approx(high))


def test_one_image_has_no_interval_and_beats_nothing() -> None:
    assert mean_interval(torch.tensor([0.5])).record() == {"value": 0.5, "low": None, "high": None}
    assert not beats(torch.tensor([0.5]), comparisons=1)


def test_more_comparisons_ask_for_more() -> None:
    difference = torch.tensor([0.1, 0.4, 0.2, 0.5, 0.1])
    assert beats(difference, comparisons=1)
    assert not beats(difference, comparisons=8)
    assert not beats(-difference, comparisons=1)
