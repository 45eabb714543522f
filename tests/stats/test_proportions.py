"""How often something happens, by hand and against SciPy's own tests."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, binomtest

from tic.stats import Outcome, above, below, is_chance, judge_rate, upper_bound, within
from tic.stats.sensitivity import rate_sensitivity

COUNTS = st.integers(1, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@pytest.mark.parametrize(
    ("seeds", "most"), [(3, 0.6316), (5, 0.4507), (10, 0.2589), (20, 0.1391), (59, 0.0495)]
)
def test_what_was_never_seen_may_happen_all_the_same(seeds, most):
    # (1 - p)^S = 0.05
    assert upper_bound(0, seeds) == pytest.approx(1 - 0.05 ** (1 / seeds))
    assert upper_bound(0, seeds) == pytest.approx(most, abs=5e-5)


def test_what_always_happened_has_no_bound_below_one():
    assert upper_bound(4, 4) == 1


@given(COUNTS, st.sampled_from([0.9, 0.95, 0.999]))
def test_at_the_bound_so_few_are_just_as_improbable_as_promised(counts, confidence):
    count, trials = counts
    bound = upper_bound(count, trials, confidence=confidence)
    tail = 1 - confidence if count < trials else 1
    assert binom.cdf(count, trials, bound) == pytest.approx(tail, rel=1e-6)


@given(COUNTS, st.sampled_from([0.9, 0.95, 0.999]))
def test_intervals_are_those_of_scipy(counts, confidence):
    count, trials = counts
    verdict = judge_rate([1] * count + [0] * (trials - count), above(0.5), confidence=confidence)
    wanted = binomtest(count, trials).proportion_ci(confidence, method="exact")
    assert verdict.interval == pytest.approx((wanted.low, wanted.high), abs=1e-9)


def test_counts_that_are_none_are_refused():
    with pytest.raises(ValueError, match="at most the number of trials, got 4 of 3"):
        upper_bound(4, 3)
    with pytest.raises(ValueError, match="trials must be at least 1"):
        upper_bound(0, 0)
    with pytest.raises(ValueError, match="guessing must lie in"):
        is_chance(1, 2, 0)


def test_guessing_is_told_from_learning_by_the_tail_of_the_binomial():
    # P(X >= 55 | 360, 0.1) = 0.12 %, P(X >= 56) = 0.07 %.
    assert is_chance(55, 360, 0.1)
    assert not is_chance(56, 360, 0.1)
    assert is_chance(0, 360, 0.1)
    assert is_chance(360, 360, 1.0)


@given(COUNTS, st.floats(0.01, 1))
def test_it_is_an_exact_binomial_test(counts, guessing):
    count, trials = counts
    p_value = float(binomtest(count, trials, guessing, alternative="greater").pvalue)
    if abs(p_value - 0.001) > 1e-9:
        assert is_chance(count, trials, guessing) is (p_value > 0.001)


def outcomes(count, trials):
    return [1.0] * count + [0.0] * (trials - count)


@pytest.mark.parametrize(
    ("count", "trials", "region", "outcome"),
    [
        # 0.9^35 = 2.503 %, 0.9^36 = 2.25 %
        (0, 35, below(0.1), Outcome.INCONCLUSIVE),
        (0, 36, below(0.1), Outcome.SUPPORTED),
        # 0.1^2 = 1 %, of one seed 10 %
        (1, 1, below(0.1), Outcome.INCONCLUSIVE),
        (2, 2, below(0.1), Outcome.REFUTED),
        # The mirror image.
        (36, 36, above(0.9), Outcome.SUPPORTED),
        (0, 2, above(0.9), Outcome.REFUTED),
        (10, 20, within(0.2, 0.8), Outcome.SUPPORTED),
        (0, 20, within(0.2, 0.8), Outcome.REFUTED),
        (20, 20, within(0.2, 0.8), Outcome.REFUTED),
        (5, 20, within(0.2, 0.8), Outcome.INCONCLUSIVE),
    ],
)
def test_a_rate_is_judged_exactly(count, trials, region, outcome):
    assert judge_rate(outcomes(count, trials), region).outcome is outcome


@given(COUNTS, st.floats(0.05, 0.95), st.sampled_from([0.9, 0.95, 0.99]))
def test_the_interval_decides(counts, bound, confidence):
    count, trials = counts
    verdict = judge_rate(outcomes(count, trials), below(bound), confidence=confidence)
    low, high = verdict.interval
    exact = binomtest(count, trials).proportion_ci(confidence, method="exact")
    assert (low, high) == pytest.approx((exact.low, exact.high))
    if min(abs(low - bound), abs(high - bound)) > 1e-9:
        inside = Outcome.SUPPORTED if high < bound else Outcome.INCONCLUSIVE
        assert verdict.outcome is (Outcome.REFUTED if low > bound else inside)


def test_a_true_rate_on_the_edge_is_decided_no_more_often_than_promised():
    for trials in (3, 5, 12, 40):
        for edge in (0.1, 0.5):
            verdicts = [judge_rate(outcomes(k, trials), below(edge)) for k in range(trials + 1)]
            for outcome in (Outcome.SUPPORTED, Outcome.REFUTED):
                wrong = [k for k, verdict in enumerate(verdicts) if verdict.outcome is outcome]
                assert binom.pmf(wrong, trials, edge).sum() <= 0.025


def test_a_rate_is_of_zeros_and_ones_and_lies_between_them():
    with pytest.raises(ValueError, match="outcomes must be 0 or 1"):
        judge_rate([0, 2], below(0.1))
    with pytest.raises(ValueError, match="a rate lies between 0 and 1"):
        judge_rate([0, 1], below(10))


def test_the_seeds_that_a_rate_hangs_on_are_named():
    nearness = rate_sensitivity(judge_rate(outcomes(2, 2), below(0.1)))
    assert nearness.without == (Outcome.INCONCLUSIVE,) * 2
    # P(2 of 2) = 1 %: refuted up to 98 % confidence.
    assert nearness.flip_confidence == pytest.approx(0.98)
