"""Proportions: how often something happens, judged and bounded exactly, and what is chance."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from tic.arrays import finite_array, real_number, whole_number
from tic.stats.checks import one_sided_level, share
from tic.stats.judge import Outcome, Verdict, decide, undecided
from tic.stats.outlook import rate_seeds_to_decide
from tic.stats.region import Region, require_region

CHANCE_LEVEL = 0.001
"""Probability with which guessing is taken for more than that."""


def upper_bound(count: int, trials: int, *, confidence: float = 0.95) -> float:
    """Return the one-sided upper bound of a probability (Clopper and Pearson 1934).

    It is at least the probability in a share `confidence` of experiments, whatever that is. Where
    the trials have several probabilities, it bounds their mean (Hoeffding 1956).

    Args:
        count: trials in which it happened, 0 to `trials`.
        trials: independent ones, at least 1.
        confidence: of the bound, between 0 and 1.

    Returns:
        In (0, 1]; 1 - (1 - confidence)^(1/trials) where it never happened.

    Raises:
        ValueError: no such counts or confidence.
    """
    happened, of = _counts(count, trials)
    level = share("confidence", confidence, "write 0.95 for 95 %")
    return _upper(happened, of, level)


def judge_rate(outcomes: ArrayLike, region: Region, *, confidence: float = 0.95) -> Verdict:
    """Judge how often something happens against the probabilities that a claim allows.

    SUPPORTED when the two-sided Clopper-Pearson interval of the probability lies inside the region,
    REFUTED when it lies outside, else INCONCLUSIVE; decided on the exact one-sided binomial tests
    at (1 - confidence)/2. That bounds how often either is wrong, REFUTED at each edge: between two
    near edges a true rate is refuted in up to 1 - confidence. Never to have seen it does not mean
    that it never happens: it takes 36 seeds without to say at 95 % that it happens in less than one
    of ten.

    Args:
        outcomes: (S,), for each independent seed 1 where it happened and 0 where not.
        region: the probabilities that the claim allows; its finite bounds lie between 0 and 1.
        confidence: of the interval, between 0 and 1.

    Raises:
        ValueError: outcomes are not 0 and 1 or not (S,), the region is none or has a bound outside
            of (0, 1), or confidence is not in (0, 1).
    """
    level = one_sided_level(confidence)
    require_region(region)
    values = finite_array(outcomes, name="outcomes", axes="S")
    if not np.isin(values, (0, 1)).all():
        raise ValueError(f"outcomes must be 0 or 1 for each seed, got {values.tolist()}")
    edges = [bound for bound in (region.low, region.high) if math.isfinite(bound)]
    if not all(0 < edge < 1 for edge in edges):
        raise ValueError(
            f"a rate lies between 0 and 1, got the region {region}; state it as a share"
        )
    happened, trials = int(values.sum()), values.size
    # At a lower edge the upper tail speaks for the region, at an upper edge the lower one.
    inside, outside = [], []
    for edge in edges:
        tails = _at_least(happened, trials, edge), _at_most(happened, trials, edge)
        inside.append(tails[edge != region.low])
        outside.append(tails[edge == region.low])
    p_value, refutation_p_value = max(inside), min(outside)
    outcome, outlook = decide(p_value, refutation_p_value, confidence), None
    if outcome is Outcome.INCONCLUSIVE:
        outlook = rate_seeds_to_decide(happened, trials, region, confidence=confidence)
    return replace(
        undecided(values, region, confidence),
        outcome=outcome,
        interval=_interval(happened, trials, 1 - 2 * level),
        p_value=p_value,
        refutation_p_value=refutation_p_value,
        seeds_to_decide=outlook,
        reason=f"{happened} of {trials} seeds, judged as a rate (Clopper-Pearson)",
    )


def is_chance(correct: int, tested: int, guessing: float) -> bool:
    """Whether so many right answers are no more than guessing gives by chance.

    A training has failed when it ends no better than a classifier that always names the most
    frequent class (Mosbach et al. 2021). Of finitely many samples that is an exact binomial test,
    as Combrisson and Jerbi (2015) advise for accuracies near chance; at 0.1 % it takes a network
    that has learned something for one that has not only where it has learned next to nothing.

    Args:
        correct: samples classified correctly, 0 to `tested`.
        tested: samples, at least 1.
        guessing: share of the most frequent class among them, in (0, 1].

    Raises:
        ValueError: no such numbers.
    """
    right, of = _counts(correct, tested)
    chance = real_number(guessing, name="guessing")
    if not 0 < chance <= 1:
        raise ValueError(f"guessing must lie in (0, 1], got {chance:.12g}; it is a share")
    return _at_least(right, of, chance) > CHANCE_LEVEL


def _at_least(count: int, trials: int, probability: float) -> float:
    """Probability of as many or more."""
    from scipy.special import bdtrc

    return 1.0 if count == 0 else float(bdtrc(count - 1, trials, probability))


def _at_most(count: int, trials: int, probability: float) -> float:
    """Probability of as many or fewer."""
    from scipy.special import bdtr

    return float(bdtr(count, trials, probability))


def _interval(count: int, trials: int, confidence: float) -> tuple[float, float]:
    level = (1 + confidence) / 2
    return 1 - _upper(trials - count, trials, level), _upper(count, trials, level)


def _upper(count: int, trials: int, level: float) -> float:
    """Of which probability so few or fewer have that of 1 - level: a quantile of beta."""
    from scipy.special import betaincinv  # scipy.stats would take a second to import

    return 1.0 if count == trials else float(betaincinv(count + 1, trials - count, level))


def _counts(count: int, trials: int) -> tuple[int, int]:
    of = whole_number(trials, name="trials", least=1, way_out="count what was tried")
    happened = whole_number(count, name="count", least=0, way_out="count what happened")
    if happened > of:
        raise ValueError(f"count must be at most the number of trials, got {happened} of {of}")
    return happened, of
