"""The statistics against scipy, against cases worked out by hand, and by simulation."""

import math
from itertools import product

import numpy as np
import pytest
from scipy import stats

from sparring.study.stats import statistics
from sparring.study.stats.mcnemar import mcnemar
from sparring.study.stats.spearman import spearman
from sparring.study.stats.statistics import Interval

RANDOM = np.random.default_rng(7)
SAMPLES = [RANDOM.normal(0.5, 2.0, n) for n in (2, 3, 6, 10, 15)] + [RANDOM.exponential(1.0, 8)]


def test_delta_is_per_replicate_and_excludes_failed_ones() -> None:
    delta = statistics.paired_delta([90, math.nan, 92, 91], [88, 85, 93, math.nan])
    assert delta.tolist() == [2, -1]
    with pytest.raises(ValueError, match="one value per replicate"):
        statistics.paired_delta([1, 2], [1])


@pytest.mark.parametrize("x", SAMPLES, ids=len)
def test_t_interval_and_p_are_those_of_scipy(x: np.ndarray) -> None:
    theirs = stats.ttest_1samp(x, 0.0)
    low, high = theirs.confidence_interval(0.95)
    ours = statistics.t_interval(x)
    assert (ours.low, ours.high) == pytest.approx((low, high))
    assert statistics.t_test_p(x) == pytest.approx(theirs.pvalue)


def test_t_interval_by_hand() -> None:
    # mean 2, sd 1, n 3: 2 -+ 4.302653 / sqrt(3)
    ours = statistics.t_interval([1, 2, 3])
    assert (ours.low, ours.high) == pytest.approx((2 - 2.484138, 2 + 2.484138), abs=1e-5)


def test_t_where_all_values_are_equal_or_missing() -> None:
    assert statistics.t_interval([2, 2, 2]) == Interval(2, 2)
    assert statistics.t_test_p([2, 2, 2]) == 0
    assert statistics.t_test_p([0, 0, 0]) == 1
    assert math.isnan(statistics.t_test_p([1]))
    assert 0.0 not in statistics.t_interval([1])


@pytest.mark.parametrize("x", SAMPLES[2:], ids=len)
def test_bca_interval_is_scipys_within_the_noise_of_resampling(x: np.ndarray) -> None:
    theirs = stats.bootstrap((x,), np.mean, method="BCa", n_resamples=100_000, rng=1).confidence_interval
    ours = statistics.bca_interval(x, resamples=100_000)
    noise = 0.02 * x.std()
    assert ours.low == pytest.approx(theirs.low, abs=noise)
    assert ours.high == pytest.approx(theirs.high, abs=noise)
    assert ours == statistics.bca_interval(x, resamples=100_000)


def test_bca_interval_of_equal_values_is_a_point() -> None:
    assert statistics.bca_interval([1.5] * 6) == Interval(1.5, 1.5)
    assert math.isnan(statistics.bca_interval([1.0, 1.5, 2.0, 1.2, 1.1]).low)  # five values are too few


@pytest.mark.parametrize("x", SAMPLES, ids=len)
def test_sign_flip_is_scipys_permutation_test(x: np.ndarray) -> None:
    theirs = stats.permutation_test((x,), np.mean, permutation_type="samples", n_resamples=math.inf, vectorized=True)
    assert statistics.sign_flip_p(x) == pytest.approx(theirs.pvalue)


@pytest.mark.parametrize("n", [3, 5, 6, 10])
def test_sign_flip_of_differences_that_agree_is_the_smallest_there_is(n: int) -> None:
    assert statistics.sign_flip_p(np.arange(1, n + 1) / 10) == 2 / 2**n


def test_sign_flip_by_hand_with_ties() -> None:
    # |sum| of (0.1, 0.1, -0.1) is 0.1; of the 8 patterns all have |sum| >= 0.1, three times 0.1 rounds both ways
    assert statistics.sign_flip_p([0.1, 0.1, -0.1]) == 1
    # 3 + 2 + 1 = 6: only the two patterns of one sign reach 6; 3 + 2 - 1 = 4: four do
    assert statistics.sign_flip_p([3, 2, 1]) == 2 / 8
    assert statistics.sign_flip_p([3, 2, -1]) == 4 / 8
    with pytest.raises(ValueError, match="at most 40"):
        statistics.sign_flip_p(np.ones(41))


def test_sign_flip_p_is_uniform_over_its_own_patterns() -> None:
    """Exactness: over all sign patterns of one sample, p <= alpha comes up in at most the share alpha."""
    x = np.abs(RANDOM.normal(size=8))
    p = [statistics.sign_flip_p(x * signs) for signs in product((-1, 1), repeat=8)]
    for alpha in (0.01, 0.05, 0.2, 0.5):
        assert np.mean(np.array(p) <= alpha) <= alpha


def test_wins_do_not_count_ties() -> None:
    assert statistics.wins([1, 0, -1, 0.5]) == 2


def test_mean_and_standard_deviation_of_the_replicates_that_finished() -> None:
    assert statistics.finite([1, math.nan, 4]).tolist() == [1, 4]
    assert statistics.mean([1, math.nan, 4]) == 2.5
    assert statistics.std([1, math.nan, 4]) == pytest.approx(np.sqrt(2 * 1.5**2))
    assert math.isnan(statistics.mean([math.nan]))
    assert math.isnan(statistics.std([1, math.nan]))


@pytest.mark.parametrize(("n", "expected"), [(5, 1.68), (6, 1.43), (10, 1.00)])
def test_detectable_effect_of_the_usual_tables(n: int, expected: float) -> None:
    """G*Power's values for a paired t test, two-sided 0.05, power 0.8."""
    assert statistics.detectable_effect(1.0, n) == pytest.approx(expected, abs=0.01)
    assert statistics.detectable_effect(3.0, n) == pytest.approx(3 * expected, abs=0.03)


@pytest.mark.slow
@pytest.mark.parametrize("n", [2, 3, 6, 12, 200])
def test_detectable_effect_has_the_stated_power_by_simulation(n: int) -> None:
    effect = statistics.detectable_effect(2.0, n)
    x = np.random.default_rng(n).normal(effect, 2.0, (20_000, n))
    rejected = stats.ttest_1samp(x, 0.0, axis=1).pvalue < 0.05
    assert rejected.mean() == pytest.approx(0.8, abs=0.01)


@pytest.mark.parametrize("n", [4, 6, 20])
def test_power_is_that_of_scipys_noncentral_t(n: int) -> None:
    critical, shift = stats.t.ppf(0.975, n - 1), 0.9 * math.sqrt(n)
    theirs = stats.nct.sf(critical, n - 1, shift) + stats.nct.cdf(-critical, n - 1, shift)
    assert statistics.power(0.9, n) == pytest.approx(theirs, abs=1e-5)


def test_detectable_effect_without_variance_or_without_pairs() -> None:
    assert statistics.detectable_effect(0.0, 6) == 0
    assert statistics.detectable_effect(1.0, 1) == math.inf


def test_holm_by_hand() -> None:
    # sorted .01 .02 .03 .04 with factors 4 3 2 1: .04 .06 .06 .06
    assert statistics.holm([0.03, 0.01, 0.04, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert statistics.holm([0.6, 0.5]) == [1.0, 1.0]
    first, missing, last = statistics.holm([0.02, math.nan, 0.5])
    assert (first, last) == (0.04, 0.5)
    assert math.isnan(missing)
    assert statistics.holm([]) == []


def correct(only_first: int, only_second: int, both: int = 50) -> tuple[list[bool], list[bool]]:
    """Which images two models classify correctly, as (n,) each."""
    first = [True] * only_first + [False] * only_second + [True] * both
    return first, [False] * only_first + [True] * only_second + [True] * both


def test_mcnemar_exact_below_25_discordant_images() -> None:
    result = mcnemar(*correct(3, 12))
    assert (result.only_first, result.only_second, result.exact) == (3, 12, True)
    assert result.p == pytest.approx(2 * sum(math.comb(15, k) for k in range(4)) / 2**15)
    assert mcnemar(*correct(0, 0)).p == 1
    assert result.about == "these two models"


def test_mcnemar_chi_square_from_25() -> None:
    result = mcnemar(*correct(10, 30))
    assert not result.exact
    assert result.p == pytest.approx(stats.chi2.sf(19**2 / 40, 1))
    assert mcnemar(*correct(12, 13)).exact is False


@pytest.mark.slow
def test_spearman_is_scipys() -> None:
    x, y = RANDOM.normal(size=(2, 40)).round(1)  # with ties
    y = y + x
    ours = spearman(x, y)
    assert ours.rho == pytest.approx(stats.spearmanr(x, y).statistic)
    assert ours.interval.low < ours.rho < ours.interval.high
    assert ours == spearman(x, y)
    resampled = stats.bootstrap(
        (x, y), lambda a, b: stats.spearmanr(a, b).statistic, paired=True, vectorized=False, method="percentile",
        n_resamples=2_000, rng=1,
    ).confidence_interval  # fmt: skip
    assert (ours.interval.low, ours.interval.high) == pytest.approx((resampled.low, resampled.high), abs=0.05)


@pytest.mark.slow
def test_spearman_resamples_whole_units() -> None:
    """Ten copies of every pair add no information: the interval must stay as wide as that of the pairs."""
    x, y = RANDOM.normal(size=(2, 12))
    once = spearman(x, y).interval
    copies = spearman(np.repeat(x, 10), np.repeat(y, 10), np.repeat(np.arange(12), 10))
    assert copies.units == 12
    assert copies.interval.high - copies.interval.low == pytest.approx(once.high - once.low, abs=0.1)
    assert math.isnan(spearman([1, 2], [2, 1]).interval.low)
    assert math.isnan(spearman([1, 1, 1], [2, 1, 3]).rho)
