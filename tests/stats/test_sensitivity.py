import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tic.stats import (
    Outcome,
    above,
    below,
    claim_sensitivity,
    combine,
    judge,
    judge_trend,
    sensitivity,
    trend_sensitivity,
    within,
)

SUPPORTED, REFUTED, INCONCLUSIVE = Outcome.SUPPORTED, Outcome.REFUTED, Outcome.INCONCLUSIVE
# Student's interval of 1, 2, 3 at 95 %: 2 ± 4.30265/sqrt(3)
LOW, HIGH = pytest.approx(2 - 2.48414, abs=1e-5), pytest.approx(2 + 2.48414, abs=1e-5)
STEP = 1e-7

whole = st.integers(-50, 50)
effects_of_seeds = st.lists(whole, min_size=4, max_size=8).filter(lambda xs: len(set(xs)) > 1)
regions = st.one_of(
    whole.map(above),
    whole.map(below),
    st.tuples(whole, st.integers(1, 60)).map(lambda pair: within(pair[0], pair[0] + pair[1])),
)
confidences = st.sampled_from([0.8, 0.9, 0.95, 0.99])
lawful = settings(max_examples=100)


def closed_form(t):
    """Confidence of the interval that ends t standard errors from the mean, for 3 seeds."""
    return t / math.sqrt(2 + t**2)


@pytest.mark.parametrize(
    ("region", "confidence", "outcome", "flips_to", "margin"),
    [
        (above(-1), closed_form(3 * math.sqrt(3)), SUPPORTED, INCONCLUSIVE, LOW),
        (above(0), closed_form(2 * math.sqrt(3)), INCONCLUSIVE, SUPPORTED, LOW),
        (above(3), closed_form(math.sqrt(3)), INCONCLUSIVE, REFUTED, HIGH),
        (above(5), closed_form(3 * math.sqrt(3)), REFUTED, INCONCLUSIVE, HIGH),
        (below(5), closed_form(3 * math.sqrt(3)), SUPPORTED, INCONCLUSIVE, HIGH),
        (below(1), closed_form(math.sqrt(3)), INCONCLUSIVE, REFUTED, LOW),
        (below(-1), closed_form(3 * math.sqrt(3)), REFUTED, INCONCLUSIVE, LOW),
        # The half width around the centre: far end 4.48414 from 0, near end −0.48414.
        (within(-6, 6), closed_form(4 * math.sqrt(3)), SUPPORTED, INCONCLUSIVE, HIGH),
        (within(-4, 4), closed_form(2 * math.sqrt(3)), INCONCLUSIVE, SUPPORTED, HIGH),
        # From 6, the near end is 4.48414 − 6 away, the far end −0.48414 − 6.
        (within(5, 7), closed_form(3 * math.sqrt(3)), REFUTED, INCONCLUSIVE, 1.51586),
        (within(4, 8), closed_form(2 * math.sqrt(3)), INCONCLUSIVE, REFUTED, 1.51586),
        # The mean lies outside, but no region around 4 is so narrow that the interval misses it.
        (within(3, 5), closed_form(math.sqrt(3)), INCONCLUSIVE, REFUTED, 4.48414),
    ],
)
def test_what_changes_a_verdict_on_three_seeds_by_hand(
    region, confidence, outcome, flips_to, margin
):
    verdict = judge([1, 2, 3], region)
    found = sensitivity(verdict)
    assert verdict.outcome is outcome
    assert found.flip_confidence == pytest.approx(confidence)
    assert found.flips_to is flips_to
    assert found.flip_margin == pytest.approx(margin, abs=1e-5)
    assert found.without == (INCONCLUSIVE,) * 3
    assert [each.reason for each in found.verdicts_without] == [
        "2 seeds; at least 3 are needed"
    ] * 3


@lawful
@given(effects_of_seeds, regions, confidences)
def test_the_judge_gives_the_two_outcomes_on_either_side_of_the_confidence(
    effects, region, confidence
):
    verdict = judge(effects, region, confidence=confidence)
    found = sensitivity(verdict)
    assume(found.flip_confidence is not None and STEP < found.flip_confidence < 1 - STEP)
    lower, upper = (
        judge(effects, region, confidence=found.flip_confidence + step).outcome
        for step in (-STEP, STEP)
    )
    decided = verdict.outcome is not INCONCLUSIVE
    assert (upper, lower) == (
        (found.flips_to, verdict.outcome) if decided else (verdict.outcome, found.flips_to)
    )
    assert (found.flip_confidence >= confidence - STEP) == decided


@lawful
@given(effects_of_seeds, regions, confidences)
def test_the_judge_gives_two_outcomes_on_either_side_of_the_margin_and_one_up_to_it(
    effects, region, confidence
):
    verdict = judge(effects, region, confidence=confidence)
    margin = sensitivity(verdict).flip_margin

    def outcome(at):
        if math.isinf(region.high):
            moved = above(at)
        elif math.isinf(region.low):
            moved = below(at)
        else:
            centre = (region.low + region.high) / 2
            moved = within(centre - at, centre + at)
        return judge(effects, moved, confidence=confidence).outcome

    is_open = math.isinf(region.high) or math.isinf(region.low)
    present = (region.high - region.low) / 2 if not is_open else max(region.low, -region.high)
    present = region.low if math.isinf(region.high) else region.high if is_open else present
    assume(abs(margin - present) > 4e-6 and (is_open or margin > 2e-6))
    towards = math.copysign(1e-6, margin - present)
    assert outcome(margin - towards) is verdict.outcome
    assert outcome(margin + towards) is not verdict.outcome
    mirrored = present - (margin - present) * 0.999
    if is_open or mirrored > 0:
        assert outcome(mirrored) is verdict.outcome


@lawful
@given(effects_of_seeds, regions)
def test_a_seed_left_out_is_an_audit_without_it(effects, region):
    found = sensitivity(judge(effects, region, confidence=0.8))
    for seed, outcome in enumerate(found.without):
        rest = [effect for other, effect in enumerate(effects) if other != seed]
        assert outcome is judge(rest, region, confidence=0.8).outcome
    assert len(found.without) == len(effects)


def test_an_outlier_is_the_seed_that_decides():
    verdict = judge([1, 1.1, 0.9, 1.2, 40], above(0))
    assert verdict.outcome is INCONCLUSIVE
    assert sensitivity(verdict).without == (INCONCLUSIVE,) * 4 + (SUPPORTED,)


@pytest.mark.parametrize(
    ("effects", "region", "margin"),
    [
        ([1, 2, 3], above(0), 1),
        ([1, 2, 3], above(2), 1),
        ([1, 2, 3], below(4), 3),
        ([1, 2, 3], within(0, 4), 1),
        ([3.5], within(0, 4), 1.5),
        ([2], within(0, 4), None),
    ],
)
def test_an_exact_verdict_has_a_margin_but_no_confidence(effects, region, margin):
    found = sensitivity(judge(effects, region, exact=True))
    assert (found.flip_confidence, found.flips_to, found.without) == (None, None, ())
    assert found.flip_margin == margin


@pytest.mark.parametrize(
    ("effects", "without"),
    [([1], ()), ([1, 2], (INCONCLUSIVE,) * 2), ([1, 1, 1, 1], (INCONCLUSIVE,) * 4)],
)
def test_what_was_not_tested_has_no_sensitivity(effects, without):
    found = sensitivity(judge(effects, above(0)))
    assert (found.flip_confidence, found.flips_to, found.flip_margin) == (None, None, None)
    assert found.without == without


def test_a_p_value_below_what_numbers_resolve_has_no_flip_confidence():
    assert sensitivity(judge(1 + np.arange(20) / 1e6, above(0))).flip_confidence is None


def test_a_mean_on_the_edge_is_decided_at_no_confidence():
    found = sensitivity(judge([-1, 0, 1], above(0)))
    assert (found.flip_confidence, found.flips_to) == (None, None)


def test_what_changes_a_trend_is_pages_p_value():
    # One order of 3 has probability 1/6, so three seeds that all follow it have 1/216.
    verdict = judge_trend([[1, 2, 3]] * 2 + [[1, 3, 5]], direction="increasing")
    found = trend_sensitivity(verdict, [[1, 2, 3]] * 2 + [[1, 3, 5]], direction="increasing")
    assert found.flip_confidence == pytest.approx(1 - 2 / 216)
    assert (found.flips_to, found.flip_margin) == (INCONCLUSIVE, None)
    assert found.without == (INCONCLUSIVE,) * 3


@settings(max_examples=25)
@given(st.integers(0, 10**6), st.integers(4, 6), st.sampled_from([0.5, 0.8, 0.95]))
def test_a_trend_is_judged_again_at_the_confidence_and_without_each_seed(seed, n_seeds, confidence):
    samples = np.random.default_rng(seed).standard_normal((n_seeds, 4)) + np.arange(4) / 2
    verdict = judge_trend(samples, direction="increasing", confidence=confidence)
    found = trend_sensitivity(verdict, samples, direction="increasing")
    assert found.without == tuple(
        judge_trend(np.delete(samples, i, 0), direction="increasing", confidence=confidence).outcome
        for i in range(n_seeds)
    )
    assume(found.flip_confidence is not None)
    outcomes = {
        judge_trend(samples, direction="increasing", confidence=found.flip_confidence + s).outcome
        for s in (-STEP, STEP)
    }
    assert outcomes == {verdict.outcome, found.flips_to}


def test_a_trend_is_not_taken_for_a_verdict_of_judge():
    samples = [[1, 2, 3, 4], [2, 3, 5, 4], [1, 3, 5, 7]]
    verdict = judge_trend(samples, direction="increasing")
    with pytest.raises(ValueError, match="for a trend use trend_sensitivity"):
        sensitivity(verdict)
    with pytest.raises(ValueError, match="pass the same samples"):
        trend_sensitivity(verdict, samples, direction="decreasing")


def of_claim(verdicts):
    return claim_sensitivity(verdicts, [sensitivity(verdict) for verdict in verdicts])


def by_brute_force(samples, regions, present, outcome):
    """Search a grid of confidences for where the outcome of the claim is another."""
    grid = np.arange(1, 1000) / 1000
    search = grid[grid > present] if outcome is not INCONCLUSIVE else grid[grid < present][::-1]
    for confidence in search:
        at = combine(
            [
                judge(x, region, confidence=confidence)
                for x, region in zip(samples, regions, strict=True)
            ]
        ).outcome
        if at is not outcome:
            return confidence, at
    return None, None


@settings(max_examples=12)
@given(st.integers(0, 10**6), st.integers(1, 4), st.sampled_from([-0.5, 0, 1, 2]))
def test_what_changes_a_claim_is_what_a_search_over_confidences_finds(seed, contrasts, mean):
    samples = np.random.default_rng(seed).standard_normal((contrasts, 5)) + mean
    limits = [above(0), within(-1, 3), below(3), within(0, 2)][:contrasts]
    verdicts = [judge(x, region) for x, region in zip(samples, limits, strict=True)]
    outcome = combine(verdicts).outcome
    found = of_claim(verdicts)
    confidence, flips_to = by_brute_force(samples, limits, 0.95, outcome)
    if confidence is not None:
        assert found.flip_confidence == pytest.approx(confidence, abs=0.001)
        assert found.flips_to is flips_to
    else:
        assert found.flip_confidence is None or not 0.001 < found.flip_confidence < 0.999
    assert found.flip_margin is None


def test_refutation_by_one_of_two_contrasts_takes_half_the_error():
    # p = 1/2 − t/(2 sqrt(2 + t²)) is doubled by Holm: 1 − 4p = 2c − 1 for c of the contrast alone
    verdicts = [judge([1, 2, 3], above(10)), judge([1, 2, 3], above(0))]
    found = of_claim(verdicts)
    assert combine(verdicts).outcome is REFUTED
    assert found.flip_confidence == pytest.approx(2 * closed_form(8 * math.sqrt(3)) - 1)
    assert found.flips_to is INCONCLUSIVE


def test_a_seed_is_left_out_of_all_contrasts_but_the_exact_ones():
    verdicts = [
        judge([1, 1.1, 0.9, 1.2, 40], above(0)),
        judge([1, 1.1, 0.9, 1.2, 1.3], above(0)),
        judge([1], above(0), exact=True),
    ]
    assert of_claim(verdicts).without == (INCONCLUSIVE,) * 4 + (SUPPORTED,)
    swapped = [verdicts[0], judge([40, 1, 1.1, 0.9, 1.2], above(0)), verdicts[2]]
    assert of_claim(swapped).without == (INCONCLUSIVE,) * 5


def test_an_exact_contrast_settles_a_claim():
    refuted = judge([-1], above(0), exact=True)
    found = of_claim([judge([1, 2, 3, 4], above(-9)), refuted])
    assert (found.flip_confidence, found.flips_to) == (None, None)
    assert found.without == (REFUTED,) * 4
    assert of_claim([refuted]).without == ()


def test_an_untested_contrast_leaves_only_refutation():
    no_spread = judge([1, 1, 1], above(0))
    found = of_claim([no_spread, judge([1, 2, 3], above(3))])
    # Alone at 0.7746; two contrasts share the error, so 2·0.7746 − 1.
    assert found.flip_confidence == pytest.approx(2 * closed_form(math.sqrt(3)) - 1)
    assert found.flips_to is REFUTED
    assert of_claim([no_spread, judge([1, 2, 3], above(0))]).flip_confidence is None


def test_contrasts_that_do_not_belong_together_are_refused():
    verdict, other = judge([1, 2, 3], above(0)), judge([1, 2, 3, 4], above(0))
    with pytest.raises(ValueError, match="got 1 for 2; pass one per verdict"):
        claim_sensitivity([verdict, other], [sensitivity(verdict)])
    with pytest.raises(ValueError, match=r"share their seeds, got \[3, 4\]"):
        of_claim([verdict, other])
    with pytest.raises(ValueError, match="at least one contrast"):
        of_claim([])


def test_a_seed_is_left_out_beside_the_whole_pilot():
    effects, pilot = [0.9, 1.0, 1.3, 0.8, 1.1], [1.1, 0.7, 1.0, 1.2, 0.9, 0.8]
    verdict = judge(effects, above(0.2), confidence=0.9998, pilot=pilot)
    assert verdict.outcome is SUPPORTED
    for left_out, outcome in enumerate(sensitivity(verdict).without):
        others = [effect for i, effect in enumerate(effects) if i != left_out]
        assert judge(others, above(0.2), confidence=0.9998, pilot=pilot).outcome is outcome
    # Four seeds alone would leave it open.
    assert sensitivity(verdict).without == (SUPPORTED,) * 5
    alone = judge(effects, above(0.2), confidence=0.9998)
    assert sensitivity(alone).without != (SUPPORTED,) * 5
