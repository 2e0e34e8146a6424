"""The record of a measured value, and what a model reports as a whole."""

import pytest
from scipy.stats import binomtest

from sparring.core.measurement import FinalMetrics, Measurement, robust_accuracy_name, share, wilson_interval


def test_a_record_holds_the_reason_only_without_a_value() -> None:
    measured = Measurement(value=0.5, direction="lower", protocol={"split": "test"}, interval=(0.25, 0.75))
    assert measured.record() == {
        "value": 0.5, "std": None, "interval": [0.25, 0.75], "protocol": {"split": "test"}, "direction": "lower",
    }  # fmt: skip
    assert Measurement(value=None, direction="lower", protocol={}, reason="no image").record()["reason"] == "no image"


def test_two_reports_together() -> None:
    one = FinalMetrics({"a": Measurement(value=1.0, direction="higher", protocol={})}, {"x": 1, "y": 1})
    two = FinalMetrics({"b": Measurement(value=2.0, direction="higher", protocol={})}, {"y": 2})
    both = one | two
    assert [each.value for each in both.metrics.values()] == [1.0, 2.0]
    assert both.details == {"x": 1, "y": 2}


@pytest.mark.parametrize(
    ("epsilon", "name"),
    [
        (8 / 255, "8/255"),
        (0.1, "25.5/255"),
        (0.3, "76.5/255"),
        (2 / 255, "2/255"),
        (1.0, "255/255"),
        (0.10001, "25.50255/255"),
    ],
)
def test_a_robust_accuracy_is_named_by_its_epsilon(epsilon: float, name: str) -> None:
    assert robust_accuracy_name("test", "pgd", epsilon) == f"test/robust_accuracy/pgd@{name}"


@pytest.mark.parametrize(("successes", "trials"), [(0, 10), (8, 10), (10, 10), (342, 355)])
def test_the_wilson_interval_is_that_of_scipy(successes: int, trials: int) -> None:
    expected = binomtest(successes, trials).proportion_ci(0.95, method="wilson")
    assert wilson_interval(successes, trials) == pytest.approx(tuple(expected), abs=1e-12)


def test_a_share_carries_its_interval() -> None:
    record = share(0.8, images=10, protocol={"split": "test"}).record()
    assert record["interval"] == pytest.approx([0.4902, 0.9433], abs=1e-4)
    assert record["protocol"] == {"split": "test", "interval": "95 % Wilson, over images"}
