import math

import numpy as np
import pytest
from scipy.stats import t

from tic.stats import SampleSpread, above, interval_over_samples, judge, sample_spread

TABLE = [[1, 2, 6], [3, 2, 4]]
"""Column means 2, 2 and 5: their mean is 3 and their standard deviation √3."""


def test_samples_differ_as_far_as_their_means_over_the_seeds_do():
    spread = sample_spread(TABLE)
    assert (spread.n_samples, spread.sd) == (3, pytest.approx(math.sqrt(3)))


def test_the_squares_of_both_half_widths_add_up():
    effects = np.array([[0.0, 2, 7, 3], [1, 4, 8, 3], [3, 1, 9, 7]])
    verdict = judge(effects.mean(1), above(0), confidence=0.9)
    low, high = interval_over_samples(verdict, sample_spread(effects))
    of_seeds = t.ppf(0.95, 2) * effects.mean(1).std(ddof=1) / math.sqrt(3)
    of_samples = t.ppf(0.95, 3) * effects.mean(0).std(ddof=1) / math.sqrt(4)
    half = math.hypot(of_seeds, of_samples)
    assert (low, high) == pytest.approx((effects.mean() - half, effects.mean() + half))


def test_it_is_never_narrower_than_that_over_seeds():
    verdict = judge([1.0, 2.0, 4.0], above(0))
    assert interval_over_samples(verdict, SampleSpread(50, 0.0)) == verdict.interval
    low, high = interval_over_samples(verdict, SampleSpread(50, 7.0))
    assert low < verdict.interval[0] < verdict.interval[1] < high


def test_there_is_none_where_seeds_have_none():
    spread = SampleSpread(9, 1.0)
    assert interval_over_samples(judge([1, 2], above(0)), spread) is None
    assert interval_over_samples(judge([1, 1, 1], above(0)), spread) is None
    assert interval_over_samples(judge([1, 2, 3], above(0), exact=True), spread) is None


def test_huge_and_tiny_effects_have_intervals():
    effects = np.array([[0.0, 2, 7], [1, 4, 8], [3, 1, 9]])
    expected = interval_over_samples(judge(effects.mean(1), above(0)), sample_spread(effects))
    for scale in (1e-200, 1e200):
        scaled = scale * effects
        interval = interval_over_samples(judge(scaled.mean(1), above(0)), sample_spread(scaled))
        assert np.array(interval) / scale == pytest.approx(expected)


@pytest.mark.parametrize(
    ("table", "text"),
    [
        ([1, 2, 3], r"effects must have shape \(S, N\), got \(3,\)"),
        ([[1], [2]], "at least 2 samples, got 1; give one effect per seed"),
        ([[1, math.nan], [2, 3]], "must be finite"),
    ],
)
def test_what_is_no_table_is_refused(table, text):
    with pytest.raises(ValueError, match=text):
        sample_spread(table)


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ((1, 1.0), "n_samples must be at least 2, got 1"),
        ((9, -1.0), "sd must be a finite number from 0 on, got -1"),
        ((9, math.inf), "sd must be a finite number from 0 on, got inf"),
    ],
)
def test_what_no_table_has_is_refused(fields, text):
    with pytest.raises(ValueError, match=text):
        SampleSpread(*fields)


def answers(rng, n_seeds, n_samples, of_samples):
    """Differences of correctness of two conditions on images, in percent; none on the whole.

    An image that one condition does better on is one of its own for every seed.
    """
    leans = rng.normal(0, 0.01, (n_seeds, 1)) + rng.normal(0, of_samples, n_samples)
    one, other = rng.random((2, n_seeds, n_samples))
    return 100 * ((one < 0.8 + leans / 2) * 1.0 - (other < 0.8 - leans / 2))


def normal(rng, n_seeds, n_samples, of_samples):
    """Effects of seeds and samples with as much beside both."""
    of_seeds, beside = rng.normal(0, 1, (n_seeds, 1)), rng.normal(0, 1, (n_seeds, n_samples))
    return of_seeds + rng.normal(0, of_samples, n_samples) + beside


@pytest.mark.parametrize(
    ("draw", "n_seeds", "n_samples", "of_samples"),
    [
        *((answers, n_seeds, 100, sd) for n_seeds in (5, 20) for sd in (0.0, 0.1)),
        *((normal, n_seeds, 3, sd) for n_seeds in (3, 60) for sd in (0.0, 0.3, 3.0)),
    ],
)
def test_it_misses_the_mean_over_all_seeds_and_samples_no_more_often_than_it_says(
    draw, n_seeds, n_samples, of_samples
):
    rng = np.random.default_rng(n_seeds)
    worlds, missed, missed_by_seeds = 1000, 0, 0
    for _ in range(worlds):
        effects = draw(rng, n_seeds, n_samples, of_samples)
        verdict = judge(effects.mean(1), above(0), confidence=0.95)
        low, high = interval_over_samples(verdict, sample_spread(effects))
        missed += not low <= 0 <= high
        missed_by_seeds += not verdict.interval[0] <= 0 <= verdict.interval[1]
    # Three standard errors of a thousand worlds above the promised 5 %.
    assert missed / worlds < 0.05 + 3 * math.sqrt(0.05 * 0.95 / worlds)
    if of_samples == 0.1 and n_seeds == 20:
        assert missed_by_seeds / worlds > 0.09
