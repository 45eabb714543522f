"""What the judge says of many simulated audits at once."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from tic.stats.judge import Outcome, Verdict, decide, judge
from tic.stats.region import Region
from tic.stats.trend import judge_trend, page_effects

Rule = Callable[[NDArray[np.float64], Region], Sequence[Verdict]]

_CHECK_EVERY = 100


def judge_rows(
    effects: NDArray[np.float64], region: Region, *, confidence: float = 0.95
) -> list[Verdict]:
    """Return what `judge` says of each row, without interval and outlook but fast.

    Args:
        effects: (N, S), S ≥ 3.
        region: the effects that the claim allows.
        confidence: of the judge's interval.

    Raises:
        ValueError: `judge`, asked about one row in a hundred, disagrees.
    """
    from scipy.special import stdtr

    n_seeds = effects.shape[1]
    means, errors = effects.mean(axis=1), effects.std(axis=1, ddof=1) / math.sqrt(n_seeds)
    flat = np.ptp(effects, axis=1) == 0
    scores = np.stack((means - region.low, region.high - means)) / np.where(flat, 1, errors)
    pairs = zip(
        stdtr(n_seeds - 1, -scores).max(axis=0).tolist(),
        stdtr(n_seeds - 1, scores).min(axis=0).tolist(),
        strict=True,
    )
    verdicts = [
        _verdict(mean, None if is_flat else pair, n_seeds, region, confidence)
        for mean, is_flat, pair in zip(means.tolist(), flat, pairs, strict=True)
    ]
    for row in range(0, len(effects), _CHECK_EVERY):
        outcome = judge(effects[row], region, confidence=confidence).outcome
        if outcome is not verdicts[row].outcome:
            raise ValueError(
                f"judge_rows must say what judge says, got {verdicts[row].outcome} for {outcome} "
                f"on {effects[row].tolist()}, {region}; mend the one that is wrong"
            )
    return verdicts


def judge_rows_by_page(samples: NDArray[np.float64]) -> list[Verdict]:
    """Return what `judge_trend` says of each table of (N, S, T) values without ties, increasing.

    Page's p-values depend on L alone, so `judge_trend` is asked once for each L.
    """
    effects = rank_correlations(samples)
    statistic = np.rint(effects.sum(axis=1) * (samples.shape[2] ** 3 - samples.shape[2]) / 6)
    _, first, which = np.unique(statistic, return_index=True, return_inverse=True)
    known = [judge_trend(samples[i], direction="increasing") for i in first]
    return [known[i] for i in which]


def rank_correlations(samples: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the rank correlation of each curve with a rise: (N, S, T) to (N, S)."""
    flat = samples.reshape(-1, samples.shape[-1])
    return page_effects(flat, direction="increasing").reshape(samples.shape[:-1])


def slopes(samples: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the Theil–Sen slope of each curve over 0, 1, 2, …: (N, S, T) to (N, S)."""
    i, j = np.triu_indices(samples.shape[-1], k=1)
    return np.asarray(np.median((samples[..., j] - samples[..., i]) / (j - i), axis=-1))


def student_p_values(effects: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return p of "the mean is at most 0" for each row of (N, S) effects."""
    from scipy.special import stdtr

    return np.asarray(stdtr(effects.shape[1] - 1, -_t(effects)))


def johnson_p_values(effects: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the same, with t corrected for the skewness of the sample (Johnson 1978)."""
    from scipy.special import stdtr
    from scipy.stats import skew

    n_seeds, t = effects.shape[1], _t(effects)
    flat = np.ptp(effects, axis=1) == 0
    skewness = np.zeros(len(effects))
    skewness[~flat] = skew(effects[~flat], axis=1)
    corrected = t + skewness * (1 + 2 * t**2) / (6 * math.sqrt(n_seeds))
    return np.asarray(stdtr(n_seeds - 1, -corrected))


def _t(effects: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return t for each row of (N, S) effects; 0 where all are equal, which says nothing."""
    errors = effects.std(axis=1, ddof=1) / math.sqrt(effects.shape[1])
    flat = np.ptp(effects, axis=1) == 0
    return np.where(flat, 0.0, effects.mean(axis=1) / np.where(flat, 1.0, errors))


def _verdict(
    mean: float,
    p_values: tuple[float, float] | None,
    n_seeds: int,
    region: Region,
    confidence: float,
) -> Verdict:
    return Verdict(
        outcome=decide(*p_values, confidence) if p_values else Outcome.INCONCLUSIVE,
        estimate=mean,
        interval=None,
        p_value=p_values[0] if p_values else None,
        refutation_p_value=p_values[1] if p_values else None,
        n_seeds=n_seeds,
        effects=(),
        region=region,
        confidence=confidence,
    )
