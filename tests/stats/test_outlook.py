"""How many seeds would probably decide what is open."""

import math
from functools import cache
from itertools import pairwise

import numpy as np
import pytest
from scipy.stats import beta, binom, norm
from scipy.stats import t as student

from tic.stats import (
    Outcome,
    above,
    below,
    judge,
    judge_rate,
    judge_trend,
    page_effects,
    rate_seeds_to_decide,
    seeds_needed,
    seeds_to_decide,
    trend_seeds_to_decide,
    within,
)
from tic.stats.outlook import POWER, chances, rate_power


@pytest.mark.parametrize("confidence", [0.95, 0.9998], ids=["alone", "among thirty"])
@pytest.mark.parametrize("region", [above(0), within(-1, 1)], ids=str)
@pytest.mark.parametrize("n_seeds", [3, 5, 12])
def test_the_number_that_decides_lies_in_its_range_as_often_as_is_said(n_seeds, region, confidence):
    rng = np.random.default_rng(n_seeds)
    covered = []
    for mean in (-0.5, 0.3, 0.6, 1.2):
        needed = max(n_seeds + 1, seeds_needed(mean, 1, region, confidence=confidence) or 1001)
        for _ in range(75):
            effects = mean + rng.standard_normal(n_seeds)
            fewest, most = seeds_to_decide(
                effects.mean(), effects.std(ddof=1), n_seeds, region, confidence=confidence
            )
            covered.append(fewest <= needed <= (most or 1001))
    # 80 % is what it says; three standard errors of 300 draws are 7 points.
    assert np.mean(covered) > 0.75


def test_the_range_narrows_around_what_the_truth_takes():
    needed = seeds_needed(0.5, 1, above(0))
    assert needed == 34
    fewest, most = seeds_to_decide(0.5, 1, 33, above(0))
    assert fewest == 34
    assert most is not None
    ranges = [seeds_to_decide(0.3, 1, n, above(0)) for n in (20, 40, 60, 80)]
    widths = [(high or math.inf) - low for low, high in ranges]
    assert all(wider > narrower for wider, narrower in pairwise(widths))


def test_the_range_knows_no_unit():
    plain = seeds_to_decide(0.6, 1, 8, within(-1, 1))
    assert seeds_to_decide(600, 1000, 8, within(-1000, 1000)) == plain


def test_a_range_from_a_single_seed_is_refused():
    with pytest.raises(ValueError, match="n_seeds must be at least 2, got 1"):
        seeds_to_decide(0.5, 1, 1, above(0))


def ordered(rng, n_seeds, step, conditions=5):
    """Values of conditions that rise by so many standard deviations each, with normal noise."""
    return step * np.arange(conditions) + rng.standard_normal((n_seeds, conditions))


@cache
def trend_needed(step, confidence, conditions=5):
    """The fewest seeds with which Page's test decides in four of five cases, by simulation."""
    rng = np.random.default_rng(1)
    effects = page_effects(ordered(rng, 100_000, step, conditions), direction="increasing")
    for n_seeds in range(3, 1001):
        draws = rng.choice(effects, (2000, n_seeds)).mean(1)
        level = norm.isf((1 - confidence) / 2) / np.sqrt(n_seeds * (conditions - 1))
        if np.mean(np.abs(draws) > level) >= 0.8:
            return n_seeds
    return 1001


@pytest.mark.parametrize("confidence", [0.95, 0.9998], ids=["alone", "among thirty"])
@pytest.mark.parametrize("n_seeds", [5, 12])
def test_the_number_that_decides_a_trend_lies_in_its_range_as_often_as_is_said(n_seeds, confidence):
    rng = np.random.default_rng(n_seeds)
    covered = []
    for step in (0.15, 0.3, 0.6):
        needed = max(n_seeds + 1, trend_needed(step, confidence))
        for _ in range(100):
            effects = page_effects(ordered(rng, n_seeds, step), direction="increasing")
            fewest, most = trend_seeds_to_decide(
                effects.mean(), effects.std(ddof=1), n_seeds, 5, confidence=confidence
            )
            covered.append(fewest <= needed <= (most or 1001))
    assert np.mean(covered) > 0.75


def test_what_decides_a_trend_is_what_pages_test_then_decides():
    needed = trend_needed(0.3, 0.95)
    rng = np.random.default_rng(3)
    decided = [
        judge_trend(ordered(rng, needed, 0.3), direction="increasing").outcome
        is not Outcome.INCONCLUSIVE
        for _ in range(300)
    ]
    assert 0.7 < np.mean(decided) < 0.92


def test_an_open_trend_says_what_would_decide_it():
    # Each of five seeds follows one order, the next the opposite: the mean correlation is 0.2.
    rising, falling = [1.0, 2.0, 3.0], [3.0, 2.0, 1.0]
    verdict = judge_trend([rising, falling, rising, falling, rising], direction="increasing")
    assert verdict.outcome is Outcome.INCONCLUSIVE
    effects = np.array([1, -1, 1, -1, 1.0])
    assert verdict.seeds_to_decide == trend_seeds_to_decide(0.2, effects.std(ddof=1), 5, 3)
    assert (
        judge_trend([rising] * 4 + [[1.0, 2.1, 3.0]], direction="increasing").seeds_to_decide
        is None
    )


def test_seeds_that_all_follow_an_order_soon_decide_it():
    # ρ = 1 has p = 6^-S with T = 3: at a level of 1e-4 six seeds decide. A z test says 7.
    fewest, most = trend_seeds_to_decide(1, 0, 3, 3, confidence=1 - 2e-4)
    assert 6 <= fewest <= most <= 10


@cache
def rate_needed(probability, region, confidence):
    """The fewest seeds that decide in four of five cases, by asking the judge of every count."""
    for n_seeds in range(1, 1001):
        counts = np.arange(n_seeds + 1)
        decides = [
            judge_rate(np.arange(n_seeds) < k, region, confidence=confidence).outcome
            is not Outcome.INCONCLUSIVE
            for k in counts
        ]
        if binom.pmf(counts, n_seeds, probability) @ decides >= 0.8:
            return n_seeds
    return 1001


@pytest.mark.parametrize(
    ("probability", "region"),
    [(0.02, below(0.3)), (0.6, below(0.2)), (0.95, above(0.5)), (0.5, within(0.1, 0.9))],
    ids=str,
)
def test_the_power_of_a_rate_is_that_of_the_judge(probability, region):
    needed = rate_needed(probability, region, 0.95)
    power = rate_power(np.array([probability]), region, 0.025)[:, 0]
    assert int(np.argmax(power >= POWER)) + 1 == needed


@pytest.mark.parametrize("n_seeds", [5, 12, 27])
@pytest.mark.parametrize("region", [below(0.1), within(0.2, 0.8)], ids=str)
def test_the_number_that_decides_a_rate_lies_in_its_range_as_often_as_is_said(region, n_seeds):
    truths = beta.ppf((np.arange(50) + 0.5) / 50, 0.5, 0.5)
    enough = rate_power(truths, region, 0.025) >= POWER
    needed = np.where(enough.any(0), enough.argmax(0) + 1, 1001)
    ranges = [rate_seeds_to_decide(k, n_seeds, region) for k in range(n_seeds + 1)]
    covered = [
        sum(
            binom.pmf(k, n_seeds, truth)
            for k, (fewest, most) in enumerate(ranges)
            if fewest <= max(number, n_seeds + 1) <= (most or 1001)
        )
        for truth, number in zip(truths, needed, strict=True)
    ]
    assert np.mean(covered) > 0.75


def test_what_never_happened_takes_as_many_seeds_as_chance_would_need():
    # 0.9^S is below the level from S = 87 on.
    fewest, most = rate_seeds_to_decide(0, 12, below(0.1), confidence=1 - 2 * 1.1e-4)
    assert (fewest, most) == (87, None)
    verdict = judge_rate([0] * 12, below(0.1), confidence=1 - 2 * 1.1e-4)
    assert verdict.seeds_to_decide == (87, None)
    assert judge_rate([0] * 40, below(0.1)).seeds_to_decide is None


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: rate_seeds_to_decide(6, 5, above(0.5)), "happened must be at most 5, got 6"),
        (lambda: rate_seeds_to_decide(-1, 5, above(0.5)), "happened must be at least 0"),
        (lambda: trend_seeds_to_decide(0.5, 0.1, 5, 2), "conditions must be at least 3, got 2"),
        (lambda: trend_seeds_to_decide(np.nan, 0.1, 5, 3), "mean must be finite"),
        (lambda: trend_seeds_to_decide(0.5, 0.1, 1, 3), "n_seeds must be at least 2, got 1"),
    ],
)
def test_what_has_no_range_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@cache
def needed_beside_a_pilot(mean, region, confidence, pilot):
    """The fewest seeds with which a t test with more degrees of freedom decides in four of five."""
    draws = np.random.default_rng(0)
    spread = draws.chisquare(1, (2000, pilot - 1)).sum(1)
    noise = draws.standard_normal((2000, 400))
    low, high = region.low, region.high
    for n_seeds in range(2, 400):
        seeds = mean + noise[:, :n_seeds]
        df = n_seeds + pilot - 2
        error = np.sqrt((seeds.var(1, ddof=1) * (n_seeds - 1) + spread) / df / n_seeds)
        critical = student.isf((1 - confidence) / 2, df)
        from_low, from_high = (seeds.mean(1) - low) / error, (high - seeds.mean(1)) / error
        supported = (from_low > critical) & (from_high > critical)
        if np.mean(supported | (from_low < -critical) | (from_high < -critical)) >= POWER:
            return n_seeds
    return 1001


@pytest.mark.parametrize("confidence", [0.95, 0.9998], ids=["alone", "among thirty"])
@pytest.mark.parametrize("region", [above(0), within(-1, 1)], ids=str)
@pytest.mark.parametrize("n_seeds", [3, 5])
def test_the_range_holds_as_often_beside_a_pilot(n_seeds, region, confidence):
    rng, pilot = np.random.default_rng(n_seeds), 6
    covered = []
    for mean in (-0.5, 0.5, 1.6):
        needed = max(n_seeds + 1, needed_beside_a_pilot(mean, region, confidence, pilot))
        for _ in range(100):
            effects, others = mean + rng.standard_normal(n_seeds), rng.standard_normal(pilot)
            verdict = judge(effects, region, confidence=confidence, pilot=others)
            if verdict.seeds_to_decide is None:
                continue
            fewest, most = verdict.seeds_to_decide
            covered.append(fewest <= needed <= (most or 1001))
    assert np.mean(covered) > 0.75


def test_what_a_pilot_knows_lowers_the_number_of_seeds():
    alone = seeds_to_decide(0.6, 1, 5, above(0), confidence=0.9998)
    beside = seeds_to_decide(0.6, 1, 5, above(0), confidence=0.9998, further_df=5)
    assert beside[0] < alone[0] or (beside[1] or 1001) < (alone[1] or 1001)


def effects_about(mean, count=500):
    """So many effects with exactly this mean and a standard deviation of 1."""
    effects = np.random.default_rng(1).standard_normal(count)
    return mean + (effects - effects.mean()) / effects.std(ddof=1)


@pytest.mark.parametrize(
    ("mean", "region"),
    [(2.0, above(0)), (1.2, above(0)), (-0.8, above(0)), (0.2, within(-1, 1)), (2, within(-1, 1))],
)
@pytest.mark.parametrize("seen", [0, 4])
def test_verdicts_come_as_often_as_is_foreseen(mean, region, seen):
    pilot, simulations = effects_about(mean), 400
    rng = np.random.default_rng(0)
    known = effects_about(mean, 4)[:seen]
    looks = dict.fromkeys((5, 8, 12, 18), 0.9998)
    foreseen = chances(pilot, known, region, looks)
    for look, *expected in zip(looks, *foreseen, strict=True):
        effects = rng.standard_normal((simulations, look - seen)) + mean
        outcomes = [
            judge((*known, *new), region, confidence=0.9998, pilot=pilot).outcome for new in effects
        ]
        shares = [outcomes.count(o) / simulations for o in (Outcome.SUPPORTED, Outcome.REFUTED)]
        assert shares == pytest.approx(expected, abs=0.06)


def test_the_spread_of_what_was_seen_counts_in_every_look():
    pilot, seen = effects_about(2.45, 12), 2.45 + 3 * effects_about(0, 11)
    verdict = judge((*seen, 2.45), above(0), confidence=0.9998, pilot=pilot)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert chances(pilot, seen, above(0), {12: 0.9998})[0][0] < 0.1


def test_the_less_is_known_the_less_is_certain():
    looks = {12: 0.9998}
    few, many = (
        chances(effects_about(2.5, count), np.array([]), above(0), looks)[0][0]
        for count in (4, 400)
    )
    assert few < 0.97 < many


def test_nothing_is_foreseen_at_an_edge_and_nothing_without_spread():
    looks = {5: 0.95, 1000: 0.95}
    at_edge = chances(effects_about(0, 10_000), np.array([]), above(0), looks)
    assert np.max(at_edge) < 0.2
    flat = chances(np.ones(3), np.array([]), above(0), looks)
    assert np.max(flat) == 0.0
    for value in (91.4, 0.1):  # of which NumPy's standard deviation is not 0
        assert np.std([value] * 3, ddof=1) > 0
        flat = chances(np.full(3, value), np.full(3, value), above(0), looks)
        assert np.max(flat) == 0.0
    measured_in_steps = chances(np.ones(3), np.array([]), above(0), looks, least_sd=2.0)
    assert measured_in_steps[0][0] < 0.5
