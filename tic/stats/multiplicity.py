"""Correction for asking several questions at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tic.arrays import finite_array
from tic.stats.checks import share


def holm(p_values: Sequence[float], level: float) -> list[bool]:
    """Return which p-values survive Holm's step-down correction (Holm 1979).

    The probability that any true null is among the survivors is at most `level`, whatever the
    dependence between the tests.

    Args:
        p_values: one per test, each in [0, 1]; none at all gives none back.
        level: family-wise error rate, strictly between 0 and 1. The judge's p-values are one-sided,
            so a judge at 95 % confidence goes with 0.025.

    Raises:
        ValueError: a p-value outside [0, 1] or a level outside (0, 1).
    """
    allowed = share("level", level, "write 0.05 for 5 %")
    return [adjusted <= allowed for adjusted in holm_adjusted(p_values)]


def holm_adjusted(p_values: Sequence[float]) -> list[float]:
    """Return Holm's adjusted p-values: the smallest level at which each of them survives.

    The k-th smallest of m is multiplied by m − k + 1, and none may fall below the one before it.

    Args:
        p_values: one per test, each in [0, 1]; none at all gives none back.

    Raises:
        ValueError: a p-value outside [0, 1].
    """
    checked = finite_array(p_values, name="p-values", axes="N", may_be_empty=True)
    for p_value in checked:
        if not 0 <= p_value <= 1:
            raise ValueError(f"p-values must lie in [0, 1], got {p_value:.12g}; pass probabilities")
    # statsmodels' multipletests says the same, but collects all garbage of the process each time.
    order = np.argsort(checked)
    still_in = np.arange(checked.size, 0, -1)
    adjusted = np.empty_like(checked)
    adjusted[order] = np.minimum(np.maximum.accumulate(checked[order] * still_in), 1)
    return [float(p_value) for p_value in adjusted]
