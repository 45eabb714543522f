"""How near live synapses of a neuron are, all of them and by their signs."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tic.errors import TicError
from tic.measure.structure.points import (
    Synapses,
    kernel_of,
    points_of,
    require_radius,
    weights_of,
)


class JoinCounts(NamedTuple):
    """Weight of neighbours by their signs, over all neurons, each pair once.

    Attributes:
        positive: Both are positive.
        negative: Both are negative.
        unlike: One is positive and one negative.
    """

    positive: float
    negative: float
    unlike: float


def join_counts(synapses: Synapses, *, radius: float = 1.5) -> tuple[JoinCounts, JoinCounts]:
    """Sum up the weights of neighbours by their signs.

    Returns:
        What there is, and what is expected of signs permuted within neurons: of n synapses, m of
        them positive, W/2 · m(m − 1) / (n(n − 1)) for two positive ones (Cliff & Ord 1981).

    Raises:
        TicError: The radius is not above 0.
    """
    require_radius(radius)
    points = points_of(synapses)
    weights = weights_of(points, radius)
    positive, negative = (
        (points.valid & (points.signs == sign)).astype(np.float64) for sign in (1, -1)
    )
    among = np.einsum("hj,hjk,hk->h", positive, weights, positive) / 2
    between = np.einsum("hj,hjk,hk->h", positive, weights, negative)
    rest = np.einsum("hj,hjk,hk->h", negative, weights, negative) / 2
    m, n = positive.sum(1), points.valid.sum(1)
    joint = weights.sum((1, 2)) / 2 / np.maximum(1, n * (n - 1))
    expected = (joint * m * (m - 1), joint * (n - m) * (n - m - 1), joint * 2 * m * (n - m))
    return (
        JoinCounts(*(float(part.sum()) for part in (among, rest, between))),
        JoinCounts(*(float(part.sum()) for part in expected)),
    )


def pair_correlation(synapses: Synapses, largest_delay: int, *, radius: float = 1.5) -> float:
    """Compare how near live synapses of a neuron are with positions drawn uniformly.

    Args:
        synapses: Of a layer, with delays in whole timesteps.
        largest_delay: Delays run from 0 to it.
        radius: r of the equations.

    Returns:
        Σ A over all neurons, divided by what it is on average if as many synapses have bands
        without repetition and delays, all as likely: 1 of such, more where they lie together.

    Raises:
        TicError: A delay is not a whole number in its range, or no neuron has two live synapses.
    """
    require_radius(radius)
    points = points_of(synapses)
    delays = points.delays[points.valid]
    if ((delays != np.rint(delays)) | (delays < 0) | (delays > largest_delay)).any():
        raise TicError(
            f"delays must be whole timesteps from 0 to {largest_delay}, got {delays.min():g} to "
            f"{delays.max():g}; round them as the network does"
        )
    n = points.valid.sum(1)
    pairs = float((n * (n - 1)).sum())
    if not pairs:
        raise TicError("a neuron must have two live synapses, and none has; there are no pairs")
    assert synapses.places is not None
    by_band = kernel_of(synapses.places, radius)
    np.fill_diagonal(by_band, 0)
    bands = len(by_band)
    by_delay = kernel_of(np.arange(largest_delay + 1.0), radius).mean()
    expected = pairs * by_band.sum() / (bands * (bands - 1)) * by_delay
    return float(weights_of(points, radius).sum() / expected)
