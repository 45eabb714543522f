"""Where the synapses of a layer with delays lie, and whether those of like sign lie together.

A live synapse of a neuron is a point (i, d): the band i that it comes from, and its delay d in
timesteps. A neuron has at most one per band. Neighbours weigh

    A_jk = exp(−½ · [(i_j − i_k)² + (d_j − d_k)²] / r²),  A_jj = 0

with a radius r in bands and timesteps alike. Over neurons h with n_h live synapses each, values s
(their signs) less the mean of the neuron, and W_h = Σ_jk A_jk, Moran's I (Moran 1950) is pooled
before it is divided:

    I = Σ_h (n_h / W_h) · Σ_jk s′_j A_jk s′_k  /  Σ_h Σ_j s′_j²

With few synapses the ratio of a neuron by itself is mostly noise, and its mean over neurons too.
Neurons with one live synapse, or with none near another, are in neither sum.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tic.errors import TicError, require_known
from tic.measure.structure.points import (
    Mask,
    Numbers,
    Points,
    Synapses,
    kernel_of,
    points_of,
    require_radius,
    within_neurons,
)
from tic.seeding import derive

Null = Literal["signs", "bands", "delays"]
NULLS: tuple[Null, ...] = ("signs", "bands", "delays")
RADII = (1.0, 1.5, 3.0)
"""Radii that are usually looked at together."""


@dataclass(frozen=True)
class Grouping:
    """How far synapses of like sign lie together.

    Attributes:
        moran: Pooled Moran's I.
        permuted: The same of each permutation, shape (P,).
    """

    moran: float
    permuted: Numbers

    @property
    def excess(self) -> float:
        """Moran's I less its mean over permutations."""
        return self.moran - float(self.permuted.mean())

    @property
    def z(self) -> float | None:
        """The excess in standard deviations over permutations; None where they are all the same."""
        spread = float(self.permuted.std(ddof=1))
        return self.excess / spread if spread > 1e-12 else None


def grouping(
    synapses: Synapses,
    *,
    null: Null = "signs",
    radius: float = 1.5,
    permutations: int = 200,
    seed: int = 0,
) -> Grouping:
    """Compare pooled Moran's I of signs with what permutations within neurons leave of it.

    Args:
        synapses: Of a layer.
        null: What is permuted among the live synapses of each neuron: `signs`, positions kept;
            `bands` among (delay, sign) pairs; or `delays` among (band, sign) pairs.
        radius: r of the equations, in bands and timesteps.
        permutations: P, at least 2.
        seed: Of the permutations.

    Raises:
        TicError: No neuron has live synapses of both signs near each other, as they are or as a
            permutation leaves them, or an argument is out of its range.
    """
    require_known("null", null, NULLS)
    require_radius(radius)
    if permutations < 2:
        raise TicError(f"permutations must be at least 2, got {permutations}")
    points = points_of(synapses)
    draws = np.random.default_rng(derive(seed, f"grouping by {null}"))
    orders = np.stack([_order(points.valid, draws) for _ in range(permutations)])
    by_band, by_delay = (kernel_of(values, radius) for values in (points.bands, points.delays))
    values, counts = _deviations(points)[None], points.valid.sum(1)
    weights = by_band * by_delay * within_neurons(points.valid)
    moran = _pooled(values, weights, counts)
    if np.isnan(moran).any():
        raise TicError(
            "a neuron must have live synapses of both signs near each other, and none has; there "
            "is nothing to group"
        )
    if null == "signs":
        permuted = _pooled(np.take_along_axis(values, orders, 2), weights, counts)
    else:
        moved, kept = (by_band, by_delay) if null == "bands" else (by_delay, by_band)
        kept *= within_neurons(points.valid)
        permuted = np.concatenate(
            [_pooled(values, _reordered(moved, order) * kept, counts) for order in orders]
        )
    if np.isnan(permuted).any():
        raise TicError(
            f"synapses must stay near each other where their {null} are permuted, and in "
            f"{int(np.isnan(permuted).sum())} of {permutations} permutations no neuron has both "
            f"signs within reach; take a larger radius than {radius:g}, or null='signs', which "
            "leaves them where they are"
        )
    return Grouping(float(moran[0]), permuted)


def _order(valid: Mask, draws: np.random.Generator) -> NDArray[np.int64]:
    """A permutation of the live synapses of each neuron, shape (H, n)."""
    keys = np.where(valid, draws.random(valid.shape), np.inf)
    return np.argsort(keys, axis=1, kind="stable")


def _reordered(matrices: Numbers, order: NDArray[np.int64]) -> Numbers:
    """Rows and columns of a matrix per neuron in another order, shape (H, n, n)."""
    count, size = order.shape
    first = size * size * np.arange(count)[:, None, None]
    # One flat index is several times as fast as an index per axis.
    reordered: Numbers = matrices.ravel().take(first + size * order[:, :, None] + order[:, None, :])
    return reordered


def _deviations(points: Points) -> Numbers:
    """Signs less their mean over the live synapses of the neuron, shape (H, n)."""
    means = points.signs.sum(1) / np.maximum(1, points.valid.sum(1))
    return np.where(points.valid, points.signs - means[:, None], 0.0)


def _pooled(values: Numbers, weights: Numbers, counts: NDArray[np.int64]) -> Numbers:
    """Pooled Moran's I of several permutations of values (P, H, n), shape (P,).

    NaN where no neuron has synapses of both signs near each other.
    """
    totals = weights.sum((1, 2))
    used = totals > 0
    by_neuron = values.swapaxes(0, 1)
    crossed = ((by_neuron @ weights) * by_neuron).sum(2)
    squared = (values[0][used] ** 2).sum()  # the same for every permutation
    pooled: Numbers = (crossed[used] * (counts / np.where(used, totals, 1))[used, None]).sum(0)
    return pooled / squared if squared else np.full(len(pooled), np.nan)
