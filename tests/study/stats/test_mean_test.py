"""Tests of the mean against independent ones, and by simulation how often they are wrong."""

import math

import numpy as np
import pytest
from scipy import stats

from sparring.study.stats.mean_test import MeanTest


def test_symmetric_differences_have_students_p() -> None:
    x = np.array([-1.0, -0.2, 0.4, 1.0, 1.6, 2.4, 3.0, 1.0])  # a sample without skewness
    x = np.concatenate([x, 2 * x.mean() - x])
    assert float(MeanTest.of(x).skewness) == pytest.approx(0, abs=1e-12)
    assert float(MeanTest.of(x).difference()) == pytest.approx(stats.ttest_1samp(x, 0).pvalue)
    assert float(MeanTest.of(x).above(0.5)) == pytest.approx(stats.ttest_1samp(x, 0.5, alternative="greater").pvalue)


def test_equivalence_is_the_larger_of_two_one_sided_tests_and_mirrors() -> None:
    x = np.random.default_rng(0).normal(0.2, 0.5, 12)
    it, mirrored = MeanTest.of(x), MeanTest.of(-x)
    assert float(it.equivalence(1.0)) == float(max(it.above(-1.0), it.below(1.0)))
    assert float(it.equivalence(1.0)) == pytest.approx(float(mirrored.equivalence(1.0)))
    assert float(it.above(0.1)) == pytest.approx(float(mirrored.below(-0.1)))


def test_a_shared_variance_widens_the_interval_and_adds_degrees_of_freedom() -> None:
    x = np.random.default_rng(1).normal(0.5, 1.0, 8)
    alone, crossed = MeanTest.of(x), MeanTest.of(x, shared_variance=0.25)
    assert float(crossed.error) == pytest.approx(math.sqrt(x.var(ddof=1) / 8 + 0.25))
    assert float(crossed.df) > float(alone.df) == 7
    low, high = alone.interval(0.95)
    expected = stats.t.interval(0.95, 7, loc=x.mean(), scale=stats.sem(x))
    assert (float(low), float(high)) == pytest.approx(expected)


def test_equal_differences_are_certain() -> None:
    assert float(MeanTest.of([0.5] * 6).difference()) == 0
    assert float(MeanTest.of([0.0] * 6).difference()) == 1
    assert float(MeanTest.of([0.0] * 6).equivalence(1.0)) == 0
    assert float(MeanTest.of([1.5] * 6).equivalence(1.0)) == 1


SHAPES = {
    "normal": lambda random, shape: random.normal(0, 1, shape),
    "skewed": lambda random, shape: random.exponential(1, shape) - 1,
    "discrete": lambda random, shape: (random.binomial(350, 0.9, shape) - random.binomial(350, 0.9, shape)) / 3.5,
}


@pytest.mark.slow
@pytest.mark.parametrize("n", [6, 10, 24])
@pytest.mark.parametrize("shape", SHAPES)
def test_claims_without_an_effect_are_rare(shape: str, n: int) -> None:
    x = SHAPES[shape](np.random.default_rng(n), (20_000, n))
    wrong = float(np.mean(MeanTest.of(x).difference() <= 0.05))
    assert wrong <= 0.055  # 5 % and three standard deviations of the simulation
    if shape == "skewed":
        student = np.mean(stats.ttest_1samp(x, 0, axis=1).pvalue <= 0.05)
        assert student > wrong + 0.015  # what the transformation is there for


@pytest.mark.parametrize("n", [6, 10, 24])
def test_differences_as_large_as_the_margin_are_rarely_called_none(n: int) -> None:
    x = np.random.default_rng(n).normal(1.0, 0.5, (20_000, n))
    assert float(np.mean(MeanTest.of(x).equivalence(1.0) <= 0.05)) <= 0.055
