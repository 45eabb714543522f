"""The spread of values, and what of it rounding alone may have made."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from tic.arrays import LARGEST
from tic.stats.region import Region

# No measured values that differ agree to better than this share of their size.
_ROUNDING = 1e-9
# Differences of equal accuracies, 0 up to rounding, are as far apart as this share of a bound.
_ROUNDING_BESIDE_BOUND = 1e-12


def mean_and_sd(values: NDArray[np.float64]) -> tuple[float, float]:
    """Return mean and sample standard deviation of (S,), to the same bits for any order of them.

    Equal values have a standard deviation of exactly 0, which that of NumPy often has not.
    """
    ordered = np.sort(values)
    base, width = float(ordered[0]), float(ordered[-1] - ordered[0])
    if width == 0 or values.size == 1:
        return base, 0.0
    # Squares of values near the ends of the float range would vanish or overflow.
    unit = (ordered - base) / width
    return base + width * float(unit.mean()), width * float(unit.std(ddof=1))


def rounding(values: NDArray[np.float64], region: Region | None = None) -> float:
    """Return the largest range that rounding alone may give (S,) values that are equal.

    Args:
        values: what was measured.
        region: that they are judged against, if they are.
    """
    edges = () if region is None else (region.low, region.high)
    bound = max((abs(edge) for edge in edges if math.isfinite(edge)), default=0.0)
    # Below the smallest size, an interval could have no width.
    size = max(float(np.abs(values).max()), 1 / LARGEST)
    return max(_ROUNDING * size, _ROUNDING_BESIDE_BOUND * bound)
