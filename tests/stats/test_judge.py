import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.stats import binom, ttest_1samp
from statsmodels.stats.weightstats import DescrStatsW

from tic.stats import Outcome, Region, above, below, judge, within
from tic.stats.outlook import seeds_to_decide

# Whole numbers keep shifting and doubling exact, so invariance can be demanded to the bit.
whole = st.integers(-50, 50)
spread_effects = st.lists(whole, min_size=3, max_size=8).filter(lambda xs: len(set(xs)) > 1)
regions = st.one_of(
    whole.map(above),
    whole.map(below),
    st.tuples(whole, st.integers(1, 60)).map(lambda pair: within(pair[0], pair[0] + pair[1])),
)
confidences = st.sampled_from([0.8, 0.9, 0.95, 0.99])
lawful = settings(max_examples=150)


def test_the_interval_is_student_t_by_hand():
    # mean 2, sd 1, t(0.975, 2) = 4.30265, so the half width is 4.30265/sqrt(3) = 2.48414
    verdict = judge([1, 2, 3], above(0))
    assert verdict.estimate == 2
    assert verdict.interval == pytest.approx((2 - 2.48414, 2 + 2.48414), abs=1e-5)
    assert verdict.outcome is Outcome.INCONCLUSIVE


def test_the_p_value_is_the_closed_form_of_two_degrees_of_freedom():
    # F(t) = 1/2 + t / (2 sqrt(2 + t²)) with t = 2 sqrt(3)
    verdict = judge([1, 2, 3], above(0))
    assert verdict.p_value == pytest.approx(0.5 - math.sqrt(12) / (2 * math.sqrt(14)))
    assert verdict.refutation_p_value == pytest.approx(1 - verdict.p_value)


def test_the_p_value_is_cauchys_closed_form_at_even_odds():
    assert judge([-1, 0, 1], below(0)).p_value == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("region", "outcome"),
    [
        (above(-0.4), Outcome.INCONCLUSIVE),
        (above(-0.5), Outcome.SUPPORTED),
        (below(-0.5), Outcome.REFUTED),
        (below(4.4), Outcome.INCONCLUSIVE),
        (below(4.5), Outcome.SUPPORTED),
        (above(4.5), Outcome.REFUTED),
        (within(-0.5, 4.5), Outcome.SUPPORTED),
        (within(-0.4, 4.5), Outcome.INCONCLUSIVE),
        (within(-0.5, 4.4), Outcome.INCONCLUSIVE),
        (within(1.9, 2.1), Outcome.INCONCLUSIVE),
        (within(4.5, 9), Outcome.REFUTED),
        (within(-9, -0.5), Outcome.REFUTED),
    ],
)
def test_the_outcome_is_where_the_interval_lies(region, outcome):
    assert judge([1, 2, 3], region).outcome is outcome


def test_a_verdict_keeps_what_it_rests_on():
    verdict = judge(np.array([3, 1, 2]), above(-1), confidence=0.9)
    assert verdict.effects == (3.0, 1.0, 2.0)
    assert all(type(effect) is float for effect in verdict.effects)
    assert (verdict.n_seeds, verdict.region, verdict.confidence) == (3, above(-1), 0.9)
    assert verdict.reason == ""
    assert verdict.seeds_to_decide is None
    assert not verdict.exact


@lawful
@given(spread_effects, whole)
def test_half_line_p_values_are_those_of_scipy(effects, bound):
    above_verdict, below_verdict = judge(effects, above(bound)), judge(effects, below(bound))
    greater = ttest_1samp(effects, bound, alternative="greater").pvalue
    assert above_verdict.p_value == pytest.approx(greater)
    assert below_verdict.p_value == pytest.approx(
        ttest_1samp(effects, bound, alternative="less").pvalue
    )
    assert below_verdict.refutation_p_value == pytest.approx(greater)


@lawful
@given(spread_effects, whole, st.integers(1, 60))
def test_the_p_value_within_two_edges_is_that_of_two_one_sided_tests(effects, low, width):
    verdict = judge(effects, within(low, low + width))
    p_value, lower, upper = DescrStatsW(effects).ttost_mean(low, low + width)
    assert verdict.p_value == pytest.approx(p_value)
    assert verdict.refutation_p_value == pytest.approx(min(1 - lower[1], 1 - upper[1]))


@lawful
@given(spread_effects, regions, confidences)
def test_supported_and_refuted_are_exactly_small_p_values(effects, region, confidence):
    verdict = judge(effects, region, confidence=confidence)
    level = (1 - confidence) / 2
    assert (verdict.outcome is Outcome.SUPPORTED) == (verdict.p_value <= level)
    assert (verdict.outcome is Outcome.REFUTED) == (verdict.refutation_p_value <= level)
    assert verdict.p_value + verdict.refutation_p_value >= 1 - 1e-12


@lawful
@given(spread_effects, regions, confidences)
def test_the_p_values_agree_with_the_interval(effects, region, confidence):
    verdict = judge(effects, region, confidence=confidence)
    low, high = verdict.interval
    assume(all(abs(end - bound) > 1e-9 for end in (low, high) for bound in bounds(region)))
    assert (verdict.outcome is Outcome.SUPPORTED) == (region.low <= low and high <= region.high)
    assert (verdict.outcome is Outcome.REFUTED) == (high < region.low or low > region.high)


def bounds(region):
    return [bound for bound in (region.low, region.high) if math.isfinite(bound)]


@lawful
@given(
    spread_effects, regions, st.sampled_from([-1024, -2, -0.5, 0.25, 1, 8]), st.integers(-99, 99)
)
def test_a_change_of_unit_and_origin_changes_no_outcome(effects, region, scale, shift):
    moved = judge([scale * effect + shift for effect in effects], transformed(region, scale, shift))
    original = judge(effects, region)
    assert moved.outcome is original.outcome
    assert moved.p_value == pytest.approx(original.p_value)
    assert moved.seeds_to_decide == original.seeds_to_decide


def transformed(region, scale, shift):
    ends = sorted([scale * region.low + shift, scale * region.high + shift])
    return Region(*ends)


@lawful
@given(spread_effects, whole)
def test_above_mirrors_below(effects, bound):
    seen = judge(effects, above(bound))
    mirrored = judge([-effect for effect in effects], below(-bound))
    assert mirrored.outcome is seen.outcome
    assert mirrored.p_value == pytest.approx(seen.p_value)
    assert mirrored.interval == pytest.approx((-seen.interval[1], -seen.interval[0]))


@lawful
@given(spread_effects.flatmap(lambda xs: st.tuples(st.just(xs), st.permutations(xs))), regions)
def test_the_order_of_the_seeds_changes_not_one_bit(orders, region):
    one, other = (judge([effect / 7 for effect in order], region) for order in orders)
    assert (one.p_value, one.interval, one.outcome) == (
        other.p_value,
        other.interval,
        other.outcome,
    )


@lawful
@given(spread_effects, regions)
def test_an_open_contrast_needs_more_seeds_than_it_has(effects, region):
    verdict = judge(effects, region)
    if verdict.outcome is not Outcome.INCONCLUSIVE:
        assert verdict.seeds_to_decide is None
        return
    fewest, most = verdict.seeds_to_decide
    assert verdict.n_seeds < fewest <= (most or fewest)
    shown = "more than 1000" if most is None else most
    assert verdict.reason.endswith(f"to decide will probably take {fewest} to {shown} seeds")


def test_a_mean_on_the_edge_may_never_be_decided():
    verdict = judge([-1, 0, 1], above(0))
    assert verdict.seeds_to_decide[1] is None
    assert verdict.reason.startswith("the interval reaches over an edge of the region; to decide")
    assert verdict.reason.endswith("to more than 1000 seeds")


@pytest.mark.parametrize(
    ("effects", "reason"),
    [([9], "1 seed; at least 3 are needed"), ([8, 9], "2 seeds; at least 3 are needed")],
)
def test_fewer_than_three_seeds_are_inconclusive(effects, reason):
    verdict = judge(effects, above(0))
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert verdict.reason == reason
    assert (verdict.interval, verdict.p_value, verdict.refutation_p_value) == (None, None, None)
    assert verdict.estimate == np.mean(effects)


def test_one_seed_counted_five_times_supports_nothing():
    verdict = judge([0.3] * 5, above(0))
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert verdict.reason == ("all 5 effects are identical, so their spread cannot be estimated")
    assert (verdict.interval, verdict.p_value, verdict.seeds_to_decide) == (None, None, None)
    assert verdict.estimate == 0.3


@pytest.mark.parametrize("region", [above(0), within(-0.1, 0.1)])
def test_differences_that_only_rounding_sets_apart_are_identical(region):
    effects = [0.91 - 0.90, 0.92 - 0.91, 0.94 - 0.93]
    assert len(set(effects)) > 1
    assert "all 3 effects are identical" in judge(effects, region).reason


def test_zeros_up_to_rounding_are_identical_beside_a_finite_margin():
    assert "identical" in judge([0, 1e-17, -1e-17], within(-0.01, 0.01)).reason


@pytest.mark.parametrize("region", [below(1e4), above(-1e4), within(-1e4, 1e4)])
def test_effects_that_differ_are_judged_however_far_the_bound_is(region):
    verdict = judge([1e-6, 2e-6, 5e-6, 3e-6], region)
    assert verdict.outcome is Outcome.SUPPORTED
    # mean 2.75, sd sqrt(8.75 / 3) and t(0.975, 3) = 3.18245, all times 1e-6
    half = 3.18245 * math.sqrt(8.75 / 3 / 4)
    expected = ((2.75 - half) * 1e-6, (2.75 + half) * 1e-6)
    assert verdict.interval == pytest.approx(expected, rel=1e-3)


def test_effects_at_the_end_of_the_float_range_have_an_interval():
    verdict = judge([-1e290, 1e290, 1e290], above(-1e290))
    assert verdict.p_value == pytest.approx(judge([-1, 1, 1], above(-1)).p_value)
    assert all(map(math.isfinite, verdict.interval))


@pytest.mark.parametrize("effects", [[-1.7e308, 1.7e308, 1.0e308], [1e291, 2e291, 3e291]])
def test_effects_whose_spread_would_be_no_number_are_refused(effects):
    with pytest.raises(ValueError, match=r"must not be beyond 1e.290 in size, got .* larger unit"):
        judge(effects, above(0))


def test_effects_too_small_to_have_a_spread_are_identical():
    assert "all 10 effects are identical" in judge([0] * 9 + [5e-324], above(0)).reason


def test_masked_effects_are_not_judged_but_their_valid_part_is():
    effects = np.ma.array([1.0, 1.1, 1.2, -1000.0], mask=[0, 0, 0, 1])
    with pytest.raises(ValueError, match="effects must have no masked value, got 1 of 4"):
        judge(effects, above(0))
    assert judge(effects.compressed(), above(0)).outcome is Outcome.SUPPORTED


@pytest.mark.parametrize("region", [0.05, None, "above 0", (0, 1)])
def test_a_bare_bound_is_no_region(region):
    message = r"region must be a Region, got .*; make one by above\(x\), below\(x\) or within"
    with pytest.raises(ValueError, match=message):
        judge([1, 2, 3], region)
    with pytest.raises(ValueError, match=message):
        judge([1, 2, 3], region, exact=True)


@pytest.mark.parametrize("size", [1e-200, 1e-30, 1e30, 1e200])
def test_effects_of_extreme_size_are_judged_like_any_others(size):
    verdict = judge([size, 2 * size, 3 * size], above(0))
    assert verdict.p_value == pytest.approx(judge([1, 2, 3], above(0)).p_value)


@pytest.mark.parametrize(
    ("effects", "region", "outcome"),
    [
        ([0.2], within(0.199, 0.201), Outcome.SUPPORTED),
        ([0.21], within(0.199, 0.201), Outcome.REFUTED),
        ([0.2, 0.2, 0.2], above(0.1), Outcome.SUPPORTED),
        ([0.2, 0.05], above(0.1), Outcome.REFUTED),
        ([0.0], above(0), Outcome.REFUTED),
    ],
)
def test_arithmetic_is_judged_without_spread(effects, region, outcome):
    verdict = judge(effects, region, exact=True)
    assert verdict.outcome is outcome
    assert verdict.exact
    assert verdict.interval == (min(effects), max(effects))
    assert verdict.p_value is None
    assert (verdict.reason == "") == (outcome is Outcome.SUPPORTED)


def test_a_failed_exact_claim_says_how_many_effects_failed():
    verdict = judge([0.2, 0.05], above(0.1), exact=True)
    assert verdict.reason == "1 of 2 exact effects not above 0.1"


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize(
    ("effects", "message"),
    [
        ([], "at least one value"),
        ([1, math.nan, 2], "must be finite, got nan"),
        ([1, math.inf, 2], "must be finite, got inf"),
        ([[1, 2, 3]], r"shape \(S,\), got \(1, 3\)"),
    ],
)
def test_effects_that_are_no_sample_are_refused(effects, message, exact):
    with pytest.raises(ValueError, match=message):
        judge(effects, above(0), exact=exact)


def test_a_confidence_in_per_cent_is_refused():
    with pytest.raises(ValueError, match=r"write 0\.95 for 95 %"):
        judge([1, 2, 3], above(0), confidence=95)


AUDITS = 10_000


@pytest.fixture(scope="module")
def noise():
    return np.random.default_rng(20230101).standard_normal((AUDITS, 10))


def rates(effects, region):
    outcomes = [judge(row, region).outcome for row in effects]
    return [outcomes.count(which) / len(outcomes) for which in (Outcome.SUPPORTED, Outcome.REFUTED)]


@pytest.mark.parametrize("n_seeds", [3, 5, 10])
def test_on_the_edge_of_a_half_line_either_error_has_its_stated_rate(noise, n_seeds):
    slack = 4 * math.sqrt(0.025 * 0.975 / AUDITS)
    assert rates(noise[:, :n_seeds], above(0)) == pytest.approx([0.025, 0.025], abs=slack)


@pytest.mark.parametrize("n_seeds", [3, 10])
@pytest.mark.parametrize("width", [0.2, 8.0])
def test_on_the_edge_of_two_bounds_neither_error_exceeds_its_rate(noise, n_seeds, width):
    supported, refuted = rates(noise[:2000, :n_seeds], within(0, width))
    slack = 4 * math.sqrt(0.025 * 0.975 / 2000)
    assert supported <= 0.025 + slack
    assert refuted <= 0.05 + slack


@pytest.mark.parametrize(("n_seeds", "effect"), [(3, 5.0), (5, 2.5), (10, 1.5)])
def test_a_large_effect_is_found_and_its_opposite_refuted(noise, n_seeds, effect):
    moved = noise[:1000, :n_seeds] + effect
    assert rates(moved, above(0))[0] > 0.8
    assert rates(moved, below(0))[1] > 0.8
    assert rates(moved, within(effect - 6, effect + 6))[0] > 0.8
    assert rates(moved, within(-1, 0))[1] > 0.8


def test_equal_effects_of_a_known_resolution_are_decided_where_they_are_many_enough():
    assert judge([0.0] * 500, within(-2, 2)).outcome is Outcome.INCONCLUSIVE
    verdict = judge([0.0] * 500, within(-2, 2), resolution=0.5)
    assert verdict.outcome is Outcome.SUPPORTED
    # t(499) at 97.5 % is 1.964729; times 0.25 / sqrt(500).
    assert verdict.interval == pytest.approx((-0.0219664, 0.0219664), abs=1e-6)


def test_the_spread_is_at_least_half_of_the_resolution_and_no_less_than_it_is():
    effects = [0.0, 0.0, 0.0, 0.2]
    half = 0.1 * 3.182446 / 2  # sd 0.1, t(3) at 97.5 %
    assert judge(effects, above(-1)).interval == pytest.approx((0.05 - half, 0.05 + half))
    assert judge(effects, above(-1), resolution=0.2) == replace(
        judge(effects, above(-1)), resolution=0.2
    )
    assert judge(effects, above(-1), resolution=0.4).interval == pytest.approx(
        (0.05 - 2 * half, 0.05 + 2 * half)
    )


@pytest.mark.parametrize("n_seeds", [3, 5, 8, 20, 60])
@pytest.mark.parametrize("level", [0.025, 0.001])
def test_of_two_neighbouring_values_the_mean_is_supported_wrongly_as_seldom_as_promised(
    n_seeds, level
):
    """All samples of two values are counted, with the true mean on the edge."""
    k = np.arange(n_seeds + 1)
    for share in np.linspace(0.02, 0.98, 49):
        supported = [
            judge(
                [-1.0] * count + [0.0] * (n_seeds - count),
                above(-share),
                confidence=1 - 2 * level,
                resolution=1.0,
            ).outcome
            is Outcome.SUPPORTED
            for count in k
        ]
        # As for normal effects, up to half as much for the steps of a binomial.
        assert binom.pmf(k, n_seeds, share)[supported].sum() <= 1.5 * level


@pytest.mark.parametrize("resolution", [-1, float("nan"), float("inf")])
def test_a_resolution_that_is_none_is_refused(resolution):
    with pytest.raises(ValueError, match="resolution must be a number from 0"):
        judge([1, 2, 3], above(0), resolution=resolution)


def test_a_pilot_is_pooled_into_the_variance_and_not_into_the_mean():
    # Effects 1, 2, 3: mean 2, squares 2, two degrees of freedom; of a pilot 0, 4: squares 8, one.
    # The variance is 10/3, the error of the mean sqrt(10/9), and t = 2/sqrt(10/9) with three.
    verdict = judge([1, 2, 3], above(0), pilot=[0, 4])
    t = 2 / math.sqrt(10 / 9)
    # F(t) of three degrees of freedom in closed form, with x = t/sqrt(3).
    x = t / math.sqrt(3)
    below_t = 0.5 + (x / (1 + x * x) + math.atan(x)) / math.pi
    assert verdict.estimate == 2
    assert verdict.p_value == pytest.approx(1 - below_t)
    assert verdict.refutation_p_value == pytest.approx(below_t)
    # t(0.975, 3) = 3.18245
    half = 3.18245 * math.sqrt(10 / 9)
    assert verdict.interval == pytest.approx((2 - half, 2 + half), abs=1e-5)
    assert verdict.pilot == (0, 4)


@given(spread_effects, st.lists(whole, min_size=2, max_size=6), whole, regions, confidences)
@lawful
def test_a_verdict_does_not_depend_on_where_its_pilot_lies(effects, pilot, shift, region, level):
    here = judge(effects, region, confidence=level, pilot=pilot)
    elsewhere = [effect + shift for effect in reversed(pilot)]
    there = judge(effects, region, confidence=level, pilot=elsewhere)
    assert (here.outcome, here.p_value) == (there.outcome, pytest.approx(there.p_value))


def test_a_pilot_lets_few_seeds_decide_what_they_could_not_alone():
    effects, pilot = [1.0, 1.2, 0.9], [0.3, 0.1, 0.2, 0.4, 0.15, 0.25]
    assert judge(effects, above(0), confidence=0.9999).outcome is Outcome.INCONCLUSIVE
    assert judge(effects, above(0), confidence=0.9999, pilot=pilot).outcome is Outcome.SUPPORTED


def test_a_pilot_will_help_further_seeds_to_decide():
    # Squares around the means: 6.25 - 4 * 0.625² = 4.6875, and of 0 to 29 30 * 899 / 12 = 2247.5.
    verdict = judge([1, -1, 2, 0.5], above(0), pilot=range(30))
    sd = math.sqrt((4.6875 + 2247.5) / (3 + 29))
    assert verdict.seeds_to_decide == seeds_to_decide(0.625, sd, 4, above(0), further_df=29)
    assert verdict.seeds_to_decide != seeds_to_decide(0.625, sd, 4, above(0))


def test_a_wide_pilot_makes_a_narrow_sample_careful():
    effects = [1.0, 1.001, 0.999]
    assert judge(effects, above(0.9)).outcome is Outcome.SUPPORTED
    assert judge(effects, above(0.9), pilot=[-2, 3, 1]).outcome is Outcome.INCONCLUSIVE


def test_equal_effects_are_judged_by_the_spread_of_a_pilot():
    assert judge([1, 1, 1], above(0), pilot=[0.9, 1.1, 1]).outcome is Outcome.SUPPORTED
    verdict = judge([1, 1, 1], above(0), pilot=[2, 2, 2])
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "identical" in verdict.reason


def test_a_pilot_on_the_edge_errs_as_often_as_is_said():
    rng = np.random.default_rng(5)
    effects, pilots = rng.standard_normal((4000, 3)), rng.standard_normal((4000, 5))
    outcomes = [
        judge(seeds, above(0), confidence=0.9, pilot=others).outcome
        for seeds, others in zip(effects, pilots, strict=True)
    ]
    for outcome in (Outcome.SUPPORTED, Outcome.REFUTED):
        # 5 %, with three binomial standard errors of 4000 draws.
        assert outcomes.count(outcome) / 4000 == pytest.approx(0.05, abs=0.0104)


@pytest.mark.parametrize("size", [1e-250, 1e250])
def test_the_pooled_variance_stays_in_range(size):
    plain = judge([1, 2, 3.5], above(0), pilot=[0, 4, 1])
    scaled = judge([size, 2 * size, 3.5 * size], above(0), pilot=[0 * size, 4 * size, size])
    assert scaled.p_value == pytest.approx(plain.p_value)


@pytest.mark.parametrize(
    ("pilot", "exact", "says"),
    [
        ([1.0], False, "pilot must be effects of at least 2 other seeds .*, got 1; leave it out"),
        ([1.0, 2.0], True, "got 2 beside exact ones; leave it out"),
        ([1.0, math.nan], False, "pilot must be finite"),
        ([[1.0, 2.0]], False, "pilot"),
    ],
)
def test_a_pilot_that_is_none_is_refused(pilot, exact, says):
    with pytest.raises(ValueError, match=says):
        judge([1, 2, 3], above(0), pilot=pilot, exact=exact)
