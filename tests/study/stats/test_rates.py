"""Constructed trainings end as what they are, and a setting that lost a seed cannot win by its quality."""

import math

import pytest

from sparring.study.cells.axis import Axis
from sparring.study.stats.rates import (
    Objective,
    Outcome,
    Setting,
    classifier_outcome,
    edge,
    fills_grid,
    flat_range,
    generator_outcome,
    recommend,
    within,
)
from sparring.study.tables.learning_rate import conclusion

FD = Objective("fd", higher=False, ratios=True)
ACCURACY = Objective("accuracy", higher=True, ratios=False)
T = Outcome.TRAINED


@pytest.mark.parametrize(
    ("quality", "diversity", "agreement", "broke", "expected"),
    [
        ([9, 5, 3, 2, 2.1], [0.5, 0.9], [0.2, 0.8], False, Outcome.TRAINED),
        ([9, 5, 3, 2, 2.1], [0.5, 0.05], [0.2, 0.8], False, Outcome.COLLAPSED),
        ([9, 5, 3, 2, 2.1], [0.02, 0.05], [0.2, 0.8], False, Outcome.COLLAPSED),  # one image per class from the start
        ([9, 9, 9, 9, 9], [0.02, 0.05], [0.1, 0.1], False, Outcome.NEVER_LEARNED),  # still at its initialisation
        ([9, 5, 3, 2, 2.1], [0.5, 0.9], [0.1, 0.12], False, Outcome.NEVER_LEARNED),
        ([9, 2, 4.1, 5, 4.2], [0.5, 0.9], [0.8, 0.8], False, Outcome.DIVERGED),
        ([9, 2, 4.1, 3.9, 4.2], [0.5, 0.9], [0.8, 0.8], False, Outcome.TRAINED),  # not at three checks in a row
        ([9, 2, 4.1, 5], [0.5, 0.9], [0.8, 0.8], True, Outcome.DIVERGED),
        ([9, 2, math.nan], [0.5, 0.9], [0.8, 0.8], False, Outcome.DIVERGED),
        ([9, 5, 3], [0.9], [], False, Outcome.TRAINED),  # without labels
        ([], [], [], False, Outcome.DIVERGED),
    ],
)
def test_outcomes_of_generators(
    quality: list[float], diversity: list[float], agreement: list[float], broke: bool, expected: Outcome
) -> None:
    real = 0.95 if agreement else None
    found = generator_outcome(
        quality, diversity, agreement, broke=broke, chance=0.1, real_agreement=real, gaussian=None
    )
    assert found is expected


def test_worse_than_a_gaussian_per_class_is_never_learned_unless_it_is_something_worse() -> None:
    def outcome(quality: list[float], diversity: float, *, gaussian: float | None) -> Outcome:
        return generator_outcome(
            quality, [0.5, diversity], [0.8, 0.8], broke=False, chance=0.1, real_agreement=0.95, gaussian=gaussian
        )

    assert outcome([9, 5, 3, 2.7], 0.9, gaussian=2.6) is Outcome.NEVER_LEARNED
    assert outcome([9, 5, 3, 2.5], 0.9, gaussian=2.6) is outcome([9, 5, 3, 2.7], 0.9, gaussian=None) is Outcome.TRAINED
    assert (
        outcome([9, 2, 4.1, 5, 4.2], 0.9, gaussian=2.6) is Outcome.DIVERGED
    )  # it was better, and fell to twice its best
    assert outcome([9, 5, 3, 2.7], 0.02, gaussian=2.6) is Outcome.COLLAPSED


@pytest.mark.parametrize(
    ("accuracy", "broke", "expected"),
    [
        ([0.3, 0.8], False, Outcome.TRAINED),
        ([0.1, 0.12], False, Outcome.NEVER_LEARNED),
        ([0.8, 0.1], False, Outcome.DIVERGED),
        ([0.8], True, Outcome.DIVERGED),
        ([], False, Outcome.DIVERGED),
    ],
)
def test_outcomes_of_classifiers(accuracy: list[float], broke: bool, expected: Outcome) -> None:
    assert classifier_outcome(accuracy, broke=broke, chance=0.1) is expected


def setting(rate: float, final: list[float], *lost: Outcome) -> Setting:
    outcomes = [*[T] * (len(final) - len(lost)), *lost]
    return Setting((rate,), tuple(outcomes), tuple(final), tuple(final))


def test_a_collapsed_seed_cannot_win_by_its_quality() -> None:
    settings = [setting(1, [1.0, 0.01], Outcome.COLLAPSED), setting(2, [3.0, 4.0])]
    found = recommend(settings, FD)
    assert found is not None
    assert found.index == 1
    assert found.mean == pytest.approx(math.sqrt(12))
    assert found.flat == (1,)
    assert recommend([setting(1, [0.1, 0.2], Outcome.COLLAPSED, Outcome.COLLAPSED)], FD) is None


def test_a_run_that_failed_for_another_reason_says_nothing_of_its_setting() -> None:
    found = recommend([setting(1, [1.0, math.nan], Outcome.FAILED), setting(2, [3.0, 4.0])], FD)
    assert found is not None
    assert found.index == 0


def test_the_interval_pools_the_variance_between_seeds() -> None:
    settings = [setting(1, [0.90, 0.92]), setting(2, [0.91, 0.95]), setting(3, [0.50, 0.54])]
    found = recommend(settings, ACCURACY)
    assert found is not None
    assert found.index == 1
    variance = (0.01**2 * 2 + 0.02**2 * 2 * 2) / 3  # sums of squares about the means, 3 degrees of freedom
    half = 3.182446 * math.sqrt(variance / 2)
    assert (found.interval.low, found.interval.high) == pytest.approx((0.93 - half, 0.93 + half))
    assert found.flat == (0, 1)
    assert flat_range(settings, found, 0) == (1, 2)


def test_how_flat_the_optimum_of_scattered_points_is() -> None:
    """No two share a rate, so the range of an axis is that of all settings within the interval."""
    rates = [(0.1, 3.0), (0.2, 1.0), (0.4, 2.0), (0.3, 2.5), (0.9, 9.0)]
    means = [0.92, 0.93, 0.91, 0.50, 0.60]
    settings = [Setting(at, (T, T), (m - 0.01, m + 0.01), (m, m)) for at, m in zip(rates, means, strict=True)]
    found = recommend(settings, ACCURACY)
    assert found is not None
    assert (found.index, found.flat) == (1, (0, 1, 2))
    ranges = [flat_range(settings, found, axis) for axis in (0, 1)]
    assert ranges == [(0.1, 0.4), (1.0, 3.0)]
    assert within(settings, ranges) == 4  # the fourth is among them and is worse
    assert not fills_grid(settings)
    axes = [Axis("generator_optimizer", (0.1, 1.0), 0.3), Axis("discriminator_optimizer", (1.0, 10.0), 3.0)]
    said = conclusion(settings, found, axes, ACCURACY, steps=10)
    assert (
        "2 other settings are within that interval; with the best they span G 0.1 to 0.4, D 1 to 3 (3 of the 4 " in said
    )
    alone = [*settings[1:2], *settings[3:]]
    found = recommend(alone, ACCURACY)
    assert found is not None
    assert "cannot be said: give more study.trials" in conclusion(alone, found, axes, ACCURACY, steps=10)


def test_all_combinations_of_rates_are_a_grid() -> None:
    grid = [Setting(at, (T,), (1.0,), (1.0,)) for at in ((1, 3), (2, 3), (1, 4), (2, 4))]
    assert fills_grid(grid)
    assert not fills_grid(grid[:3])
    assert fills_grid([setting(1, [1.0]), setting(7, [1.0])])  # points of one axis lie on it


def test_the_interval_of_an_accuracy_stays_within_0_and_1() -> None:
    found = recommend([setting(1, [0.99, 0.93]), setting(2, [0.2, 0.5])], ACCURACY)
    assert found is not None
    assert found.interval.high == 1.0


def test_one_seed_has_no_interval() -> None:
    found = recommend([setting(1, [2.0]), setting(2, [1.0])], FD)
    assert found is not None
    assert math.isnan(found.interval.low)
    assert found.flat == (1,)


def test_the_border_of_the_grid() -> None:
    assert edge([0.1, 0.4, 1.6], 1.6) == (1.6, 6.4)
    assert edge([0.1, 0.4, 1.6], 0.1) == (0.1, 0.025)
    assert edge([0.1, 0.4, 1.6], 0.4) is None
    assert edge([0.1], 0.1) is None
