import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi, nct, norm, t

from tic.stats import (
    Outcome,
    above,
    below,
    judge,
    power_curve,
    seeds_needed,
    within,
)

SEEDS = np.array([3, 4, 5, 8, 12, 30, 100])


@pytest.mark.parametrize("effect", [0.0, 0.4, 1.0, 2.0])
def test_one_edge_gives_the_noncentral_t_distribution(effect):
    curve = power_curve(effect, 1, above(0), SEEDS)
    critical, shift = t.ppf(0.975, SEEDS - 1), np.sqrt(SEEDS) * effect
    assert curve.supported == pytest.approx(nct.sf(critical, SEEDS - 1, shift), abs=2e-4)
    assert curve.refuted == pytest.approx(nct.sf(critical, SEEDS - 1, -shift), abs=2e-4)


@pytest.mark.parametrize("n_seeds", [3, 6, 20])
@pytest.mark.parametrize("half_width", [0.5, 1.0, 3.0])
def test_two_edges_give_the_integral_over_the_spread(n_seeds, half_width):
    df = n_seeds - 1
    spread = chi.ppf((np.arange(20000) + 0.5) / 20000, df) / math.sqrt(df)
    half = t.ppf(0.975, df) * spread
    edges = math.sqrt(n_seeds) * np.array([-half_width - 0.2, half_width - 0.2])
    inside = np.maximum(norm.cdf(edges[1] - half) - norm.cdf(edges[0] + half), 0).mean()
    outside = (norm.cdf(edges[0] - half) + norm.sf(edges[1] + half)).mean()
    curve = power_curve(0.2, 1, within(-half_width, half_width), [n_seeds])
    assert curve.supported == pytest.approx([inside], abs=2e-4)
    assert curve.refuted == pytest.approx([outside], abs=2e-4)
    assert curve.decided == pytest.approx([inside + outside], abs=4e-4)


@pytest.mark.parametrize(
    ("mean", "region"), [(1.2, above(0)), (0.3, within(-1, 1)), (1.6, within(-1, 1))]
)
def test_the_curve_is_what_the_judge_does(mean, region):
    effects = np.random.default_rng(3).normal(mean, 1, (1500, 8))
    outcomes = [judge(row, region).outcome for row in effects]
    curve = power_curve(mean, 1, region, [8])
    slack = 4 * math.sqrt(0.25 / 1500)
    supported = outcomes.count(Outcome.SUPPORTED) / 1500
    assert curve.supported == pytest.approx([supported], abs=slack)
    assert curve.refuted == pytest.approx([outcomes.count(Outcome.REFUTED) / 1500], abs=slack)


def test_on_the_edge_no_number_of_seeds_raises_the_error():
    curve = power_curve(0, 1, above(0), SEEDS)
    assert curve.supported == pytest.approx(np.full(SEEDS.size, 0.025), abs=1e-5)


def test_an_enormous_effect_is_decided_at_once():
    assert power_curve(1e9, 1e-9, above(0), [3]).supported == pytest.approx([1])
    assert power_curve(1e300, 1e-300, below(0), [3]).refuted == pytest.approx([1])
    assert seeds_needed(1e9, 1e-9, above(0)) == 3


def test_the_textbook_sample_size_of_a_one_sample_t_test():
    # Cohen's d = 0.5, two-sided 5 %, power 80 %: 34 (Cohen 1988; G*Power 3.1)
    assert seeds_needed(0.5, 1, above(0)) == 34
    assert seeds_needed(-0.5, 1, below(0)) == 34
    assert seeds_needed(0.5, 1, below(0)) == 34


effects = st.floats(-3, 3).map(lambda x: round(x, 2))
regions = st.sampled_from([above(0), below(0.5), within(-1, 1), within(0, 0.3), within(-4, 0)])


@settings(max_examples=30)
@given(effects, regions, st.sampled_from([0.5, 0.8, 0.95]))
def test_seeds_needed_is_the_first_on_the_curve(mean, region, power):
    decided = power_curve(mean, 1, region, range(3, 121)).decided
    reached = np.flatnonzero(decided >= power)
    expected = 3 + int(reached[0]) if reached.size else None
    assert seeds_needed(mean, 1, region, power=power, limit=120) == expected


@given(effects, regions, st.integers(3, 200))
def test_probabilities_are_probabilities(mean, region, n_seeds):
    curve = power_curve(mean, 1, region, [n_seeds])
    assert 0 <= curve.supported[0] <= 1
    assert 0 <= curve.refuted[0] <= 1
    assert curve.decided[0] <= 1 + 1e-9


@given(effects, st.sampled_from([0.5, 1, 4, 64]))
def test_only_the_effect_in_standard_deviations_counts(mean, unit):
    assert seeds_needed(mean * unit, unit, above(0)) == seeds_needed(mean, 1, above(0))


def test_a_mean_on_the_edge_is_out_of_reach():
    assert seeds_needed(0, 1, above(0)) is None
    assert seeds_needed(1, 1, within(-1, 1)) is None


def test_the_limit_is_the_last_number_considered():
    assert seeds_needed(0.5, 1, above(0), limit=34) == 34
    assert seeds_needed(0.5, 1, above(0), limit=33) is None


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: seeds_needed(1, 0, above(0)), "sd must be finite and above 0, got 0"),
        (lambda: seeds_needed(math.nan, 1, above(0)), "mean must be finite, got nan"),
        (lambda: seeds_needed(1, 1, above(0), power=0.4), r"power must lie in \[0.5, 1\), got 0.4"),
        (lambda: seeds_needed(1, 1, above(0), power=1), r"power must lie in \[0.5, 1\), got 1"),
        (lambda: seeds_needed(1, 1, above(0), limit=2), "limit must be at least 3, got 2"),
        (lambda: seeds_needed(1, 1, above(0), confidence=95), "write 0.95 for 95 %"),
        (lambda: power_curve(1, 1, above(0), [2, 3]), "n_seeds must be at least 3, got 2"),
        (lambda: power_curve(1, -1, above(0), [3]), "sd must be finite and above 0, got -1"),
    ],
)
def test_what_cannot_be_planned_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
