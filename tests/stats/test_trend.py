from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import rankdata, spearmanr

from tic.stats import (
    Outcome,
    above,
    half_fall,
    judge,
    judge_trend,
    page_effects,
    page_p_value,
    rank_step,
    theil_sen_slope,
)

tables = st.tuples(st.integers(2, 6), st.integers(3, 6)).flatmap(
    lambda shape: st.lists(
        st.lists(st.integers(-9, 9), min_size=shape[1], max_size=shape[1]),
        min_size=shape[0],
        max_size=shape[0],
    )
)
RISING = [[1, 2, 3, 4], [0, 5, 6, 9], [2, 3, 7, 8]]


def test_the_slope_is_the_median_over_pairs():
    # pairs: 1, 2, 3, 3, 4, 5 per unit of x
    assert theil_sen_slope([0, 1, 2, 3], [0, 1, 4, 9]) == 3


def test_one_outlier_does_not_move_the_slope_of_a_line():
    assert theil_sen_slope([0, 1, 2, 3, 4], [0, 2, 4, 6, 1000]) == 2


@given(
    st.lists(st.integers(-20, 20), min_size=4, max_size=8, unique=True),
    st.integers(-5, 5),
    st.integers(-5, 5),
)
def test_a_line_gives_its_own_slope(x, slope, intercept):
    assert theil_sen_slope(x, [slope * position + intercept for position in x]) == slope


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        ([1, 2], [1, 2, 3], "same length, got 2 and 3"),
        ([2, 2], [1, 3], "at least 2 different x, got only 2"),
        ([1], [1], "at least 2 different x"),
        ([1, 2], [1, float("nan")], "y must be finite, got nan"),
        ([[1, 2]], [1, 2], r"x must have shape \(N,\)"),
    ],
)
def test_a_slope_without_two_points_is_refused(x, y, message):
    with pytest.raises(ValueError, match=message):
        theil_sen_slope(x, y)


@pytest.mark.parametrize(
    ("y", "position"),
    [
        ([8, 4, 0], 1),  # half of the way, 4, is a point
        ([9, 5, 1], 1),  # so it is where the curve ends above 0
        ([8, 2, 0], 2 / 3),  # 4 lies two thirds of the way from 8 to 2
        ([8, 6, 0], 1 + 1 / 3),
        ([2, 8, 4], 1.5),  # what lies before the largest value does not count
        ([8, 0, 6, 0], 0.5),  # the first crossing counts
        ([8, 8, 0], 1.5),  # the way begins at the last of the largest values
        ([1, 8, 3, 8, 0], 3.5),
    ],
)
def test_half_of_the_fall_by_hand(y, position):
    x = list(range(len(y)))
    assert half_fall(x, y, least=0.5) == pytest.approx(position)


def test_half_of_the_fall_is_a_position_and_no_index():
    # half of the fall from 10 to 2 is 6, half of the way from position 20 to 100
    assert half_fall([0, 20, 100, 110], [4, 10, 2, 2], least=1) == pytest.approx(60)


@pytest.mark.parametrize("y", [[3], [1, 2, 3], [3, 3, 3], [5, 3, 4], [4, 0, 3]])
def test_a_fall_by_no_more_than_the_least_is_still_to_come(y):
    x = [2.5 * n for n in range(len(y))]
    assert half_fall(x, y, least=1) == x[-1]


def test_a_fall_by_a_little_more_than_the_least_has_a_half():
    assert half_fall([0, 1, 2], [4, 3, 3], least=0.99) == pytest.approx(0.5)


# Whole numbers, so that scaling and shifting below is exact and ties stay ties.
curves = st.lists(st.integers(-40, 40), min_size=1, max_size=8).flatmap(
    lambda y: st.tuples(
        st.lists(st.integers(-30, 30), min_size=len(y), max_size=len(y), unique=True).map(sorted),
        st.just(y),
    )
)


@given(curves, st.integers(0, 20))
def test_half_of_the_fall_lies_between_the_largest_value_and_the_end(curve, least):
    x, y = curve
    top = max(n for n, value in enumerate(y) if value == max(y))
    assert x[0] <= x[top] <= half_fall(x, y, least=least) <= x[-1]


@given(curves, st.integers(0, 20))
def test_at_half_of_the_fall_the_curve_is_half_way_down(curve, least):
    x, y = curve
    place = half_fall(x, y, least=least)
    if max(y) - y[-1] > least:
        assert np.interp(place, x, y) == pytest.approx((max(y) + y[-1]) / 2)
    else:
        assert place == x[-1]


@given(curves, st.integers(0, 20), st.sampled_from([0.25, 0.5, 2, 8]), st.integers(-50, 50))
def test_units_and_origin_of_a_curve_do_not_move_its_half(curve, least, scale, shift):
    x, y = curve
    expected = half_fall(x, y, least=least)
    moved = [scale * value + shift for value in y]
    assert half_fall(x, moved, least=scale * least) == pytest.approx(expected)
    stretched = [scale * position + shift for position in x]
    assert half_fall(stretched, y, least=least) == pytest.approx(scale * expected + shift)


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        ([1, 2], [1, 2, 3], "same length, got 2 and 3"),
        ([2, 1, 3], [1, 2, 3], r"x must ascend, got \[2.0, 1.0, 3.0\]; sort the points"),
        ([1, 1], [1, 2], "x must ascend"),
        ([1, 2], [1, float("nan")], "y must be finite, got nan"),
        ([float("inf")], [1], "x must be finite, got inf"),
        ([], [], "x must hold at least one value"),
        ([[1, 2]], [1, 2], r"x must have shape \(N,\)"),
    ],
)
def test_half_of_the_fall_of_what_is_no_curve_is_refused(x, y, message):
    with pytest.raises(ValueError, match=message):
        half_fall(x, y, least=1)


def test_a_perfect_order_has_the_probability_of_one_order_per_seed():
    assert page_p_value(RISING, direction="increasing") == pytest.approx((1 / 24) ** 3)


def test_the_exact_p_value_is_the_count_over_all_orders():
    table = [[1, 3, 2], [2, 1, 3]]
    orders = [np.dot([1, 2, 3], order) for order in permutations([1, 2, 3])]
    sums = [one + other for one in orders for other in orders]
    expected = sum(total >= 26 for total in sums) / 36
    assert page_p_value(table, direction="increasing") == pytest.approx(expected)


def test_falling_values_follow_the_falling_order():
    falling = [row[::-1] for row in RISING]
    rising = page_p_value(RISING, direction="increasing")
    assert page_p_value(falling, direction="decreasing") == rising


def test_effects_are_spearmans_correlations_without_ties():
    table = np.random.default_rng(1).random((5, 7))
    spearman = [spearmanr(row, range(7)).statistic for row in table]
    assert page_effects(table, direction="increasing") == pytest.approx(spearman)


def test_effects_by_hand():
    # ranks 1, 3, 2: Σd² = 2, ρ = 1 − 12/24; all tied: no order, 0
    effects = page_effects([[1, 3, 2], [5, 6, 7], [7, 6, 5], [4, 4, 4]], direction="increasing")
    assert effects == pytest.approx([0.5, 1, -1, 0])


@given(tables)
def test_pages_statistic_is_linear_in_the_mean_effect(table):
    seeds, t = len(table), len(table[0])
    mean = page_effects(table, direction="increasing").mean()
    expected = seeds * (t * (t + 1) ** 2 / 4 + mean * (t**3 - t) / 12)
    assert (rankdata(table, axis=1) @ range(1, t + 1)).sum() == pytest.approx(expected)


@given(tables)
def test_effects_are_bounded_and_change_sign_with_the_direction(table):
    rising, falling = (page_effects(table, direction=d) for d in ("increasing", "decreasing"))
    assert np.abs(rising).max() <= 1 + 1e-12
    assert rising == pytest.approx(-falling)


@given(tables)
def test_only_ranks_count(table):
    stretched = np.array(table, dtype=float) ** 3 * 5 - 2
    assert page_effects(stretched, direction="increasing") == pytest.approx(
        page_effects(table, direction="increasing")
    )


def test_seeds_in_perfect_order_support_a_trend_although_they_have_no_spread():
    verdict = judge_trend(RISING, direction="increasing")
    assert verdict.outcome is Outcome.SUPPORTED
    assert verdict.effects == pytest.approx((1, 1, 1))
    assert (verdict.interval, verdict.region) == (None, above(0))
    assert verdict.reason == "decided by Page's test, not by the interval"


def test_the_interval_of_a_trend_is_that_of_the_mean_rank_correlation():
    table = [[1, 2, 3, 4], [1, 2, 3, 4], [2, 1, 4, 3]]
    effects = page_effects(table, direction="increasing")
    expected = judge(effects, above(0)).interval
    low, high = judge_trend(table, direction="increasing").interval
    assert low == pytest.approx(expected[0])
    assert expected[1] > 1
    assert high == 1


@pytest.mark.parametrize("least", [-0.1, float("nan")])
def test_the_least_fall_is_not_negative(least):
    with pytest.raises(ValueError, match=r"least must be at least 0, got"):
        half_fall([0, 1], [1, 0], least=least)


def test_seeds_in_the_opposite_order_refute_a_trend():
    verdict = judge_trend(RISING, direction="decreasing")
    assert verdict.outcome is Outcome.REFUTED
    assert verdict.estimate == pytest.approx(-1)


def test_seeds_without_common_order_leave_a_trend_open():
    verdict = judge_trend([[1, 2, 3], [3, 2, 1], [2, 3, 1]], direction="increasing")
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "does not tell the order from chance" in verdict.reason


@given(tables.filter(lambda table: len(table) >= 3))
def test_a_trend_is_never_both_supported_and_refuted(table):
    verdict = judge_trend(table, direction="increasing")
    if verdict.p_value is not None:
        assert verdict.p_value + verdict.refutation_p_value >= 1 - 1e-9
        assert (verdict.outcome is Outcome.SUPPORTED) == (verdict.p_value <= 0.025 + 1e-16)


def test_one_seed_counted_five_times_supports_no_trend():
    verdict = judge_trend([RISING[0]] * 5, direction="increasing")
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert verdict.reason == "all 5 seeds gave identical values"
    assert verdict.p_value is None


def test_two_seeds_support_no_trend():
    verdict = judge_trend(RISING[:2], direction="increasing")
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert verdict.reason == "2 seeds; at least 3 are needed"


@pytest.mark.parametrize("conditions", [4, 10])
def test_without_a_trend_support_has_its_stated_rate(conditions):
    tables = np.random.default_rng(5).random((1500, 4, conditions))
    outcomes = [judge_trend(table, direction="increasing").outcome for table in tables]
    slack = 4 * np.sqrt(0.025 * 0.975 / 1500)
    assert outcomes.count(Outcome.SUPPORTED) / 1500 <= 0.025 + slack
    assert outcomes.count(Outcome.REFUTED) / 1500 <= 0.025 + slack


def test_smooth_curves_without_a_trend_are_no_case_for_pages_test():
    # The docstring's warning: random walks have no direction, but their neighbours are alike.
    walks = np.random.default_rng(6).standard_normal((300, 5, 10)).cumsum(axis=2)
    outcomes = [judge_trend(walk, direction="increasing").outcome for walk in walks]
    assert outcomes.count(Outcome.SUPPORTED) / 300 > 0.1


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ([[1, 2], [2, 3]], "at least 3 conditions, got 2; judge a difference"),
        ([1, 2, 3], r"samples must have shape \(S, T\), got \(3,\)"),
        ([[1, 2, float("nan")], [1, 2, 3]], "samples must be finite, got nan"),
        ([[1, 2, 3]], "at least 2 seeds, got 1"),
    ],
)
def test_a_table_without_order_is_refused(table, message):
    with pytest.raises(ValueError, match=message):
        page_p_value(table, direction="increasing")


@pytest.mark.parametrize("function", [page_p_value, page_effects, judge_trend])
def test_an_unknown_direction_is_refused(function):
    with pytest.raises(ValueError, match='must be "increasing" or "decreasing", got \'up\''):
        function(RISING, direction="up")


@pytest.mark.parametrize("conditions", [3, 4, 5, 6])
def test_a_rank_step_is_the_least_between_two_orders(conditions):
    orders = np.array(list(permutations(range(conditions))))
    steps = np.diff(np.unique(page_effects(orders, direction="increasing").round(9)))
    assert steps.min() == pytest.approx(rank_step(conditions))


def test_a_rank_step_is_one_of_three_conditions_or_more():
    assert rank_step(3) == 0.5
    with pytest.raises(ValueError, match="conditions must be at least 3, got 2; add conditions"):
        rank_step(2)
