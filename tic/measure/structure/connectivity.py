"""Which synapses of sparse layers are live: their delays, their paths, and how they change."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tic.arrays import finite_array
from tic.errors import TicError, as_tic_error
from tic.measure.structure.points import mask_of


class Paths(NamedTuple):
    """Paths input – hidden – output of two sparse layers.

    Attributes:
        paths: How many: every live synapse of the first layer with every one that follows.
        hidden: Hidden neurons that lie on a path.
        outputs: Outputs that a path leads to.
        pairs: Pairs of an input and an output with a path between them.
    """

    paths: int
    hidden: int
    outputs: int
    pairs: int


def live_paths(first: Any, second: Any) -> Paths:
    """Count the paths of two layers.

    Args:
        first: Which synapses of the first layer are live (or its weights), shape (H, I).
        second: The same of the second, shape (O, H).

    Raises:
        TicError: The layers do not fit each other.
    """
    into, out = mask_of(first, "first", "HI"), mask_of(second, "second", "OH")
    if out.shape[1] != len(into):
        raise TicError(
            f"the second layer must have as many inputs as the first has outputs, {len(into)}, "
            f"got {out.shape[1]}; pass the layers in their order"
        )
    between = out.astype(np.int64) @ into.astype(np.int64)
    return Paths(
        paths=int(between.sum()),
        hidden=int((into.any(1) & out.any(0)).sum()),
        outputs=int(between.any(1).sum()),
        pairs=int((between > 0).sum()),
    )


def churn(before: Any, after: Any) -> float:
    """Share of the synapses that were live before and are not afterwards, in [0, 1].

    Args:
        before: Which were live (or weights), shape (O, I).
        after: Which are, shape (O, I).

    Raises:
        TicError: Shapes differ, or none was live.
    """
    then, now = mask_of(before, "before", "OI"), mask_of(after, "after", "OI")
    if then.shape != now.shape:
        raise TicError(f"both masks must have one shape, got {then.shape} and {now.shape}")
    if not then.any():
        raise TicError("a synapse must have been live before, and none was; there is no share")
    return float((then & ~now).sum() / then.sum())


def delay_histogram(delays: Any, live: Any, largest_delay: int) -> NDArray[np.int64]:
    """Count the live synapses by their delay, rounded to whole timesteps.

    Args:
        delays: Timesteps in [0, largest_delay], shape (O, I).
        live: Which synapses are live (or weights), shape (O, I).
        largest_delay: Of the histogram.

    Returns:
        Counts of delays 0, 1, …, largest_delay, shape (largest_delay + 1,).

    Raises:
        TicError: Shapes differ, or a live synapse has another delay.
    """
    kept = np.rint(_delays(delays, live)[1]).astype(np.int64)
    if kept.size and not (kept.min() >= 0 and kept.max() <= largest_delay):
        raise TicError(
            f"delays must be from 0 to {largest_delay}, got {kept.min()} to {kept.max()}; raise "
            "largest_delay"
        )
    return np.bincount(kept, minlength=largest_delay + 1)


def delay_distance(delays: Any, live: Any) -> float:
    """Kolmogorov–Smirnov distance of the delays of live synapses from those of all pairs.

    Args:
        delays: Timesteps of all pairs, live or not, shape (O, I).
        live: Which synapses are live (or weights), shape (O, I).

    Returns:
        The largest difference of their distribution functions, in [0, 1].

    Raises:
        TicError: Shapes differ, or no synapse is live.
    """
    from scipy.stats import ks_2samp

    values, kept = _delays(delays, live)
    if not kept.size:
        raise TicError("a synapse must be live, and none is; there are no delays")
    return float(ks_2samp(kept, values.ravel(), method="asymp").statistic)


def _delays(delays: Any, live: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Delays of all pairs (O, I), and of the live ones (N,)."""
    with as_tic_error():
        values = finite_array(delays, name="delays", axes="OI")
    mask = mask_of(live, "live", "OI")
    if values.shape != mask.shape:
        raise TicError(f"live must have the shape of delays, {values.shape}, got {mask.shape}")
    return values, values[mask]
