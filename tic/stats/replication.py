"""Replication: where one further run of the same experiment lies."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from tic.arrays import finite_array
from tic.stats.checks import one_sided_level
from tic.stats.power import MIN_SEEDS
from tic.stats.spread import mean_and_sd, rounding


def prediction_interval(
    values: ArrayLike, *, confidence: float = 0.95
) -> tuple[float, float] | None:
    """Return where one further value lies: mean ± t·s·√(1 + 1/S).

    A number that somebody else measured once in the same way reproduces when it lies inside (Patil,
    Peng and Leek 2016). Normal values are meant.

    Args:
        values: (S,), one per independent seed.
        confidence: of the interval, between 0 and 1.

    Returns:
        Its ends; None for fewer than 3 values, and for values without any spread but that of
        rounding.

    Raises:
        ValueError: values are not finite or not (S,), or confidence is not in (0, 1).
    """
    numbers = finite_array(values, name="values", axes="S")
    tail = one_sided_level(confidence)
    if numbers.size < MIN_SEEDS or float(np.ptp(numbers)) <= rounding(numbers):
        return None
    from scipy.special import stdtrit

    mean, sd = mean_and_sd(numbers)
    half = float(stdtrit(numbers.size - 1, 1 - tail)) * sd * math.sqrt(1 + 1 / numbers.size)
    return mean - half, mean + half
