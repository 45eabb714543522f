"""Rules on input that the statistics share."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def one_sided_level(confidence: float) -> float:
    """Return the error rate that a two-sided interval at `confidence` leaves on either side.

    Raises:
        ValueError: `confidence` is not strictly between 0 and 1.
    """
    if not 0 < confidence < 1:
        raise ValueError(
            f"confidence must lie between 0 and 1, got {confidence:.12g}; write 0.95 for 95 %"
        )
    return (1 - confidence) / 2


def finite_array(values: ArrayLike, *, name: str, axes: str) -> NDArray[np.float64]:
    """Return `values` as float64, with one axis per letter of `axes`.

    Args:
        values: numbers of any array type.
        name: what the values are, for the messages.
        axes: one letter per axis, such as "S" or "ST".

    Raises:
        ValueError: another number of axes, no value at all, or one that is not finite.
    """
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != len(axes):
        wanted = ", ".join(axes) + ("," if len(axes) == 1 else "")
        raise ValueError(f"{name} must have shape ({wanted}), got {array.shape}; reshape them")
    if array.size == 0:
        raise ValueError(f"{name} must hold at least one value, got none; measure a run first")
    unusable = array[~np.isfinite(array)]
    if unusable.size:
        raise ValueError(
            f"{name} must be finite, got {unusable[0]} ({unusable.size} of {array.size} values); "
            "leave out the runs that diverged"
        )
    return array
