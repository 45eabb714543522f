"""How many seeds a claim needs before the judge can decide it."""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tic.arrays import finite_array, real_number, whole_number
from tic.stats.checks import one_sided_level
from tic.stats.region import Region, require_region

MIN_SEEDS = 3
MOST_SEEDS = 1_000_000

# Keeps every probability within 2e-4 of the exact integral.
_NODES = 64


@dataclass(frozen=True)
class PowerCurve:
    """Probability of each verdict against the number of seeds; what is left is INCONCLUSIVE.

    Attributes:
        n_seeds: (N,) numbers of seeds.
        supported: (N,) probabilities of SUPPORTED.
        refuted: (N,) probabilities of REFUTED.
    """

    n_seeds: NDArray[np.int64]
    supported: NDArray[np.float64]
    refuted: NDArray[np.float64]

    @property
    def decided(self) -> NDArray[np.float64]:
        """(N,) probabilities of either verdict."""
        return self.supported + self.refuted


def power_curve(
    mean: float, sd: float, region: Region, n_seeds: ArrayLike, *, confidence: float = 0.95
) -> PowerCurve:
    """Return what `judge` would say if effects were normal with this `mean` and `sd`.

    The mean and the spread of a normal sample are independent. Given the spread, the interval has a
    known width, and the probability that it lies inside or outside the region is a difference of
    normal probabilities; integrating that over the chi distribution of the spread is the noncentral
    t distribution for one edge, and Owen's Q for two (Phillips 1990). SciPy's own noncentral t is
    NaN for some large shifts, and joins the tests at two edges only by an approximation.

    Args:
        mean: true mean of the effects, in their unit.
        sd: true standard deviation over seeds, above 0, in the same unit.
        region: the effects that the claim allows.
        n_seeds: (N,) numbers of seeds, each from 3 to 1,000,000.
        confidence: of the judge's two-sided interval.

    Raises:
        ValueError: an argument breaks its rule.
    """
    counts = finite_array(n_seeds, name="n_seeds", axes="N")
    seeds = np.array([_seed_count(count) for count in counts])
    require_region(region)
    mean, sd = effect_size(mean, sd)
    level = one_sided_level(confidence)
    pairs = [_probabilities(mean, sd, region, int(count), level) for count in seeds]
    supported, refuted = np.array(pairs).T
    return PowerCurve(seeds, supported, refuted)


def seeds_needed(
    mean: float,
    sd: float,
    region: Region,
    *,
    confidence: float = 0.95,
    power: float = 0.8,
    limit: int = 1000,
) -> int | None:
    """Return the fewest seeds with which `judge` decides, either way, with probability `power`.

    Args:
        mean: mean of the effects that is taken for true, in their unit.
        sd: their standard deviation over seeds, above 0, in the same unit.
        region: the effects that the claim allows.
        confidence: of the judge's two-sided interval.
        power: probability of a decision, from 0.5 to below 1. Above 0.5 it rises with S, so a
            bisection finds the smallest S.
        limit: the largest number of seeds to consider, from 3 to 1,000,000.

    Returns:
        A number from 3 to `limit`, or None when `limit` seeds are too few.

    Raises:
        ValueError: an argument breaks its rule.
    """
    wanted = real_number(power, name="power")
    if not 0.5 <= wanted < 1:
        raise ValueError(f"power must lie in [0.5, 1), got {wanted:.12g}; 0.8 is usual")
    most = whole_number(limit, name="limit", least=MIN_SEEDS, most=MOST_SEEDS)
    require_region(region)
    mean, sd = effect_size(mean, sd)
    level = one_sided_level(confidence)

    def decides(n_seeds: int) -> bool:
        return sum(_probabilities(mean, sd, region, n_seeds, level)) >= wanted

    candidates = range(MIN_SEEDS, most + 1)
    position = bisect_left(candidates, True, key=decides)
    return candidates[position] if position < len(candidates) else None


def _seed_count(count: float) -> int:
    return whole_number(
        count, name="n_seeds", least=MIN_SEEDS, most=MOST_SEEDS, way_out="3 to 20 are usual"
    )


def _probabilities(
    mean: float, sd: float, region: Region, n_seeds: int, level: float
) -> tuple[float, float]:
    """Return P(SUPPORTED) and P(REFUTED) with `n_seeds` seeds."""
    from scipy.special import ndtr

    root = math.sqrt(n_seeds)
    to_low, to_high = root * ((mean - region.low) / sd), root * ((region.high - mean) / sd)
    half = _half_widths(n_seeds, level)
    supported = np.maximum(ndtr(to_high - half) - ndtr(half - to_low), 0)
    refuted = ndtr(-to_low - half) + ndtr(-to_high - half)
    weights = _quadrature()[1]
    return float(supported @ weights), float(refuted @ weights)


@lru_cache(maxsize=4096)
def _half_widths(n_seeds: int, level: float) -> NDArray[np.float64]:
    """Return the interval's half width at the nodes of its distribution, in standard errors."""
    from scipy.special import gammaincinv, stdtrit

    df = n_seeds - 1
    relative_spread = np.sqrt(2 * gammaincinv(df / 2, _quadrature()[0]) / df)
    return np.asarray(stdtrit(df, 1 - level) * relative_spread)


@cache
def _quadrature() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return Gauss-Legendre nodes and weights on (0, 1)."""
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    return (nodes + 1) / 2, weights / 2


def effect_size(mean: float, sd: float) -> tuple[float, float]:
    """Return both as numbers.

    Raises:
        ValueError: the mean is not finite, or the spread not above 0.
    """
    centre, spread = real_number(mean, name="mean"), real_number(sd, name="sd")
    if not math.isfinite(centre):
        raise ValueError(f"mean must be finite, got {centre}; leave out the runs that diverged")
    if not (math.isfinite(spread) and spread > 0):
        raise ValueError(
            f"sd must be finite and above 0, got {spread}; estimate it from several seeds"
        )
    return centre, spread
