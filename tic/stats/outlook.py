"""How many seeds would probably decide what a look left open.

The number is unknown, since the true effect is. How far it may be from what the estimates suggest
follows from their own distribution: a range holds the middle 80 % of the numbers that the truths
give which the seeds leave possible. With few seeds it is wider than people expect.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from tic.arrays import whole_number
from tic.stats.checks import one_sided_level
from tic.stats.power import MIN_SEEDS, MOST_SEEDS, effect_size
from tic.stats.region import Region, require_region
from tic.stats.spread import mean_and_sd, rounding

Floats = NDArray[np.float64]
SeedRange = tuple[int, int | None]
"""The 10 % and the 90 % quantile of the number of seeds; None for one above 1000, where the first
is 1000 at most. Both are above the number of seeds at hand."""

POWER = 0.8
"""With which the number of seeds that is meant decides."""
_LIMIT = 1000
_GRID = 64
_COARSE = 16


def seeds_to_decide(
    mean: float,
    sd: float,
    n_seeds: int,
    region: Region,
    *,
    confidence: float = 0.95,
    further_df: int = 0,
) -> SeedRange:
    """Return between which numbers of seeds the one lies with which `judge` would decide.

    What is possible is the fiducial distribution: sd²·(S − 1 + D)/χ² for the variance, and a normal
    mean around the estimate.

    Args:
        mean: estimated from the seeds, in the unit of the effects.
        sd: their standard deviation, above 0.
        n_seeds: S, how many they are; at least 2.
        region: the effects that the claim allows.
        confidence: of the judge's two-sided interval.
        further_df: degrees of freedom D of the standard deviation beside these seeds' S − 1; those
            of a pilot, which the judge will have as well.

    Raises:
        ValueError: an argument breaks its rule.
    """
    from scipy.special import ndtri

    count = _seeds_at_hand(n_seeds, least=2)
    further = whole_number(further_df, name="further_df", least=0, most=MOST_SEEDS)
    require_region(region)
    means, spreads = _possible(*effect_size(mean, sd), count, further)
    inside = np.minimum(means - region.low, region.high - means)
    outside = np.maximum(region.low - means, means - region.high)
    distances = np.maximum(np.abs(np.where(inside > 0, inside, outside)), np.finfo(float).tiny)
    quantile = float(ndtri(1 - one_sided_level(confidence)))
    with np.errstate(over="ignore"):
        # That of a z test, and what Student's t takes more (Guenther 1981), which is the less the
        # more of its degrees of freedom are there without these seeds.
        normal = ((quantile + ndtri(POWER)) * spreads / distances) ** 2
        needed = normal + quantile**2 / 2 / (1 + further / normal)
    return _middle(needed, count)


def chances(
    pilot: Floats,
    seen: Floats,
    region: Region,
    looks: Mapping[int, float],
    *,
    least_sd: float = 0,
    pooled: bool = True,
) -> tuple[Floats, Floats]:
    """Return how probably `judge` supports and how probably it refutes at looks to come.

    Pilot and seen effects are one sample; the means and spreads that it leaves possible are those
    of `seeds_to_decide`. What was seen is part of every look, and its spread and the pilot's of
    every variance; the seeds that a look adds are normal around a possible mean, with as much
    variance as is expected of them.

    Args:
        pilot: effects of a pilot, (P,) with P ≥ 2.
        seen: those that were judged, (S,).
        region: the effects that the claim allows.
        looks: confidence of the judge's interval by number of seeds, each above S.
        least_sd: of the effects, where it is known how finely they are measured.
        pooled: whether `judge` will have the pilot, too; if not, it only tells what is possible.

    Returns:
        Probabilities of SUPPORTED and of REFUTED at each look, (L,) each.
    """
    from scipy.special import ndtr, stdtrit

    require_region(region)
    sample = np.concatenate((pilot, seen))
    if max(float(np.ptp(sample)), 2 * least_sd) <= rounding(sample, region):
        # Of effects that are all alike, `judge` says nothing.
        return np.zeros(len(looks)), np.zeros(len(looks))
    mean, sd = mean_and_sd(sample)
    means, spreads = _possible(mean, max(sd, least_sd), sample.size, grid=_COARSE)
    numbers = np.array(list(looks))[:, None, None]
    levels = np.array([[[one_sided_level(confidence)]] for confidence in looks.values()])
    df = numbers - 1 + (pilot.size - 1 if pooled else 0)
    added = numbers - seen.size
    known = [effects for effects in ((pilot, seen) if pooled else (seen,)) if effects.size > 1]
    known_df = sum(effects.size - 1 for effects in known)
    squares = sum(float(effects.var(ddof=1)) * (effects.size - 1) for effects in known)
    variance = (squares + (df - known_df) * spreads**2) / df
    half = stdtrit(df, 1 - levels) * np.sqrt(np.maximum(variance, least_sd**2) / numbers)
    expected = (seen.sum() + added * means) / numbers
    deviation = np.maximum(np.sqrt(added) * spreads / numbers, np.finfo(float).tiny)

    def below(edge: Floats) -> Floats:
        with np.errstate(over="ignore"):
            return np.asarray(ndtr((edge - expected) / deviation))

    supported = np.maximum(below(region.high - half) - below(region.low + half), 0)
    refuted = below(region.low - half) + 1 - below(region.high + half)
    return supported.mean(axis=(1, 2)), refuted.mean(axis=(1, 2))


def trend_seeds_to_decide(
    mean: float, sd: float, n_seeds: int, conditions: int, *, confidence: float = 0.95
) -> SeedRange:
    """Return between which numbers of seeds the one lies with which `judge_trend` would decide.

    Page's L grows with the mean rank correlation; by chance that has the variance 1/(S·(T − 1)),
    in truth the seeds' own by S. With T = 3 Page's exact test needs a seed or two fewer.

    Args:
        mean: mean rank correlation of the seeds with the order, in [−1, 1].
        sd: standard deviation of the rank correlations over seeds; 0 where all are alike.
        n_seeds: S, how many they are; at least 2.
        conditions: T, at least 3.
        confidence: SUPPORTED and REFUTED each err in (1 − confidence)/2.

    Raises:
        ValueError: an argument breaks its rule.
    """
    from scipy.special import ndtri

    count = _seeds_at_hand(n_seeds, least=2)
    free = whole_number(conditions, name="conditions", least=3) - 1
    # Seeds that are all alike may have had a spread; a tenth of what chance gives is next to none.
    means, spreads = _possible(*effect_size(mean, max(sd, 0.1 / math.sqrt(free))), count)
    quantile = float(ndtri(1 - one_sided_level(confidence)))
    distances = np.maximum(np.minimum(np.abs(means), 1), np.finfo(float).tiny)
    with np.errstate(over="ignore"):
        needed = ((quantile / math.sqrt(free) + ndtri(POWER) * spreads) / distances) ** 2
    return _middle(needed, count)


def rate_seeds_to_decide(
    happened: int, n_seeds: int, region: Region, *, confidence: float = 0.95
) -> SeedRange:
    """Return between which numbers of seeds the one lies with which `judge_rate` would decide.

    What is possible is Jeffreys' posterior of the probability, Beta(x + ½, S − x + ½). For each
    probability it is the fewest seeds with which the exact tests decide with a power of 0.8.

    Args:
        happened: x, in how many seeds it happened.
        n_seeds: S, at least 1.
        region: the probabilities that the claim allows, with bounds in (0, 1).
        confidence: of the judge's two-sided interval.

    Raises:
        ValueError: an argument breaks its rule.
    """
    count = _seeds_at_hand(n_seeds, least=1)
    require_region(region)
    times = whole_number(happened, name="happened", least=0, most=count)
    return _rate_range(times, count, region, one_sided_level(confidence))


@lru_cache(maxsize=1024)
def _rate_range(happened: int, count: int, region: Region, level: float) -> SeedRange:
    """See `rate_seeds_to_decide`; with a seed left out, there are but two different counts."""
    from scipy.special import betaincinv

    shares = (np.arange(_GRID) + 0.5) / _GRID
    possible = betaincinv(happened + 0.5, count - happened + 0.5, shares)
    decided = rate_power(possible, region, level) >= POWER
    needed = np.where(decided.any(0), decided.argmax(0) + 1.0, np.inf)
    return _middle(needed, count)


def rate_power(probabilities: Floats, region: Region, level: float) -> Floats:
    """Return the power of a rate's exact tests with 1 to 1000 seeds.

    Args:
        probabilities: (P,), of what is counted.
        region: of the probabilities that the claim allows.
        level: of each one-sided test.

    Returns:
        (1000, P), the probability that either verdict is given.
    """
    from scipy.special import bdtr

    lowest, highest, below, above = (
        counts[:, None] for counts in _deciding_counts(region.low, region.high, level)
    )
    trials = np.arange(1, _LIMIT + 1)[:, None]

    def at_most(counts: NDArray[np.int64]) -> Floats:
        tail = bdtr(np.clip(counts, 0, trials), trials, probabilities)
        return np.where(counts < 0, 0.0, tail)

    supported = np.maximum(at_most(highest) - at_most(lowest - 1), 0)
    refuted = at_most(below) + 1 - at_most(above - 1)
    power: Floats = supported + refuted
    return power


@lru_cache(maxsize=64)
def _deciding_counts(low: float, high: float, level: float) -> tuple[NDArray[np.int64], ...]:
    """Counts that decide with 1 to 1000 seeds, four times (1000,).

    SUPPORTED is what lies from the first to the second, REFUTED what is at most the third or at
    least the fourth.
    """
    trials = np.arange(1, _LIMIT + 1)
    never, always = np.full_like(trials, -1), trials + 1
    lowest, below = (
        (_least(trials, low, level), _most(trials, low, level)) if low > 0 else (trials * 0, never)
    )
    highest, above = (
        (_most(trials, high, level), _least(trials, high, level)) if high < 1 else (trials, always)
    )
    return lowest, highest, below, above


def _most(trials: NDArray[np.int64], edge: float, level: float) -> NDArray[np.int64]:
    """The largest count at most which is as improbable as the level; -1 where none is."""
    from scipy.stats import binom

    first = np.asarray(binom.ppf(level, trials, edge), np.int64)
    return np.where(binom.cdf(first, trials, edge) <= level, first, first - 1)


def _least(trials: NDArray[np.int64], edge: float, level: float) -> NDArray[np.int64]:
    """The smallest count at least which is as improbable as the level; above all where none is."""
    return trials - _most(trials, 1 - edge, level)


def _possible(
    mean: float, sd: float, count: int, further: int = 0, *, grid: int = _GRID
) -> tuple[Floats, Floats]:
    """True means (G, G) and spreads (G, 1) that the estimates from so many seeds leave possible."""
    from scipy.special import gammaincinv, ndtri

    shares = (np.arange(grid) + 0.5) / grid
    df = count - 1 + further
    spreads = sd * np.sqrt(df / (2 * gammaincinv(df / 2, shares)))[:, None]
    return mean + spreads / math.sqrt(count) * ndtri(shares), spreads


def _middle(needed: Floats, count: int) -> SeedRange:
    least, most = np.quantile(needed, (0.1, 0.9), method="inverted_cdf")
    fewest = max(count + 1, MIN_SEEDS, math.ceil(min(least, _LIMIT)))
    return fewest, None if most > _LIMIT else max(fewest, math.ceil(most))


def _seeds_at_hand(n_seeds: int, *, least: int) -> int:
    return whole_number(n_seeds, name="n_seeds", least=least, most=MOST_SEEDS)
