import numpy as np
import pytest

from tic.stats import ClaimVerdict, Outcome, above, combine, judge, judge_trend, within

HOLDS = judge([0.9, 1.0, 1.1, 1.0], above(0))
HOLDS_BARELY = judge([0.5, 1.0, 1.8, 1.2], above(0))
OPEN = judge([-1, 0, 1, 2], above(0))
FAILS = judge([0.9, 1.0, 1.1, 1.0], above(2))
FAILS_BARELY = judge([1, 2, 3], above(4.5))
TOO_FEW = judge([1, 2], above(0))
NO_SPREAD = judge([1, 1, 1], above(0))
EXACT_HOLDS = judge([1], above(0), exact=True)
EXACT_FAILS = judge([-1], above(0), exact=True)


def test_the_examples_are_what_their_names_say():
    assert FAILS_BARELY.outcome is Outcome.REFUTED
    assert 0.0125 < FAILS_BARELY.refutation_p_value <= 0.025
    assert HOLDS.p_value < HOLDS_BARELY.p_value <= 0.025


@pytest.mark.parametrize(
    "verdict",
    [HOLDS, HOLDS_BARELY, OPEN, FAILS, FAILS_BARELY, TOO_FEW, NO_SPREAD, EXACT_HOLDS, EXACT_FAILS],
)
def test_a_claim_of_one_contrast_is_that_contrast(verdict):
    combined = combine([verdict])
    assert (combined.outcome, combined.reason) == (verdict.outcome, verdict.reason)
    if not verdict.exact:
        assert combined.p_value == verdict.p_value


@pytest.mark.parametrize(
    ("verdicts", "outcome", "reason"),
    [
        ([HOLDS, HOLDS_BARELY], Outcome.SUPPORTED, ""),
        ([HOLDS, EXACT_HOLDS], Outcome.SUPPORTED, ""),
        ([HOLDS, FAILS], Outcome.REFUTED, "contrast 2 of 2: refuted"),
        ([FAILS, TOO_FEW], Outcome.REFUTED, "contrast 1 of 2: refuted"),
        ([EXACT_FAILS, TOO_FEW], Outcome.REFUTED, "contrast 1 of 2: 1 of 1 exact effects"),
        ([HOLDS, TOO_FEW], Outcome.INCONCLUSIVE, "contrast 2 of 2: 2 seeds; at least 3 are needed"),
        ([NO_SPREAD, HOLDS], Outcome.INCONCLUSIVE, "contrast 1 of 2: all 3 effects are identical"),
        ([HOLDS, OPEN], Outcome.INCONCLUSIVE, "contrast 2 of 2: the interval reaches over"),
        ([FAILS_BARELY, HOLDS], Outcome.INCONCLUSIVE, "not after Holm's correction within"),
        ([FAILS_BARELY, EXACT_HOLDS], Outcome.REFUTED, "contrast 1 of 2: refuted"),
        ([FAILS_BARELY, FAILS], Outcome.REFUTED, "contrast 1 of 2: refuted; contrast 2 of 2"),
    ],
)
def test_a_claim_holds_when_all_hold_and_is_refuted_when_any_is(verdicts, outcome, reason):
    combined = combine(verdicts)
    assert combined.outcome is outcome
    assert combined.reason.startswith(reason) or reason in combined.reason
    assert (combined.reason == "") == (outcome is Outcome.SUPPORTED)


def test_the_p_value_of_a_claim_is_its_weakest_contrast():
    assert combine([HOLDS, HOLDS_BARELY, EXACT_HOLDS]).p_value == HOLDS_BARELY.p_value
    assert combine([HOLDS, EXACT_FAILS]).p_value == 1


def test_a_claim_of_exact_contrasts_alone_tests_nothing():
    assert combine([EXACT_HOLDS]).p_value is None
    assert combine([EXACT_FAILS, EXACT_HOLDS]).p_value is None


def test_an_untestable_contrast_leaves_the_claim_without_a_p_value():
    assert combine([HOLDS, TOO_FEW]).p_value is None


def test_a_trend_is_a_contrast_like_any_other():
    trend = judge_trend([[1, 2, 3, 4], [2, 3, 4, 5], [1, 3, 5, 7]], direction="increasing")
    assert combine([HOLDS, trend]) == ClaimVerdict(
        Outcome.SUPPORTED, max(HOLDS.p_value, trend.p_value), ""
    )


def test_a_claim_without_contrasts_is_refused():
    with pytest.raises(ValueError, match="at least one contrast, got none"):
        combine([])


def test_contrasts_at_different_confidences_are_refused():
    with pytest.raises(ValueError, match=r"share one confidence, got \[0.9, 0.95\]"):
        combine([HOLDS, judge([1, 2, 3], above(0), confidence=0.9)])


def test_a_true_claim_of_four_contrasts_is_refuted_in_at_most_five_per_cent():
    # All four on an edge of a narrow region, where each can go wrong on both sides.
    samples = np.random.default_rng(7).standard_normal((1500, 4, 4))
    outcomes = [combine([judge(c, within(0, 0.1)) for c in claim]).outcome for claim in samples]
    refuted = outcomes.count(Outcome.REFUTED) / len(outcomes)
    assert 0.02 < refuted <= 0.05 + 4 * np.sqrt(0.05 * 0.95 / 1500)


def test_a_claim_that_fails_in_one_contrast_is_supported_in_at_most_one_side_of_the_error():
    samples = np.random.default_rng(8).standard_normal((1500, 2, 5))
    samples[:, 1] += 9
    outcomes = [combine([judge(c, above(0)) for c in claim]).outcome for claim in samples]
    supported = outcomes.count(Outcome.SUPPORTED) / len(outcomes)
    assert supported == pytest.approx(0.025, abs=4 * np.sqrt(0.025 * 0.975 / 1500))
