"""Whole audits, simulated: how often any of their claims is decided wrongly, look by look."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tic.stats.calibration.noise import Draw
from tic.stats.looks import Design, error_share

Truth = Literal["false", "true", "true between two near edges"]

CLAIMS = (1,) * 18 + (2,) * 7 + (4,) * 5
"""How many contrasts each claim of an audit has."""
_CHUNK = 250
_ROUNDING = 1e-12


def wrong_audits(
    rng: np.random.Generator,
    noise: Draw,
    simulations: int,
    looks: Sequence[int],
    *,
    truth: Truth,
    level: float,
    design: Design = "sequential",
    pilot: int = 0,
) -> tuple[float, ...]:
    """Return the share of audits with a wrong verdict at one of the looks so far.

    Each claim lies where it is hardest to judge. A false one has its first contrast on the edge and
    the others far inside, so that it is SUPPORTED when the first is. A true one has all of its
    contrasts on the edge, and is REFUTED when the smallest of their p-values, times their number,
    is small enough; between two edges that all but meet it is so at either of them, each at the
    full level, so that twice as many are. Seeds are added until the last look, whatever came out.

    Args:
        rng: of the effects.
        noise: of one effect, with mean 0 and standard deviation 1.
        simulations: audits.
        looks: numbers of seeds, ascending.
        truth: of all claims.
        level: one-sided error rate of the whole audit; each claim has an equal part of it, at each
            edge of its region.
        design: whose shares of the error the looks have.
        pilot: seeds of a pilot, with whose spread the variance of every contrast is pooled.

    Returns:
        One rate for each look, never falling.
    """
    from scipy.special import stdtrit

    contrasts = np.ones(len(CLAIMS)) if truth == "false" else np.repeat(CLAIMS, CLAIMS)
    wrong = np.zeros(len(looks))
    for start in range(0, simulations, _CHUNK):
        claims = (min(_CHUNK, simulations - start), contrasts.size)
        effects, others = noise(rng, (*claims, looks[-1])), noise(rng, (*claims, pilot))
        further = max(0, pilot - 1)
        # Nothing is drawn and nothing is added without a pilot.
        squares = others.var(axis=-1, ddof=1) * further if further else np.zeros(claims)
        decided = np.zeros(len(effects), dtype=bool)
        for position, (n_seeds, scores) in enumerate(
            zip(looks, _scores(effects, looks, squares, further), strict=True)
        ):
            refuting = -np.abs(scores) if truth == "true between two near edges" else scores
            allowed = level * error_share(n_seeds, design) / len(CLAIMS) / contrasts
            decided |= (refuting <= stdtrit(n_seeds - 1 + further, allowed)).any(axis=1)
            wrong[position] += decided.sum()
    return tuple((wrong / simulations).tolist())


def _scores(
    effects: NDArray[np.float64], looks: Sequence[int], further: NDArray[np.float64], df: int
) -> Iterator[NDArray[np.float64]]:
    """Yield Student's t of the first S effects of (N, C, S) for each look; 0 without any spread.

    The variance is pooled with further squares (N, C), of so many degrees of freedom.
    """
    sums, squares = effects.cumsum(axis=-1), (effects**2).cumsum(axis=-1)
    for n_seeds in looks:
        mean = sums[..., n_seeds - 1] / n_seeds
        variance = squares[..., n_seeds - 1] - n_seeds * mean**2
        variance = (variance + further) / (n_seeds - 1 + df)
        # Of equal effects rounding leaves some 1e-16 of their square.
        flat = variance <= _ROUNDING * np.maximum(mean**2, 1)
        yield np.where(flat, 0.0, mean / np.sqrt(np.where(flat, 1.0, variance) / n_seeds))
