"""Numbers that callers hand over: of any array library, refused where they cannot be meant."""

from __future__ import annotations

import math
import sys
from contextlib import suppress
from decimal import Decimal
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

LARGEST = 1e290
"""Size that a value may have, so that spreads and intervals are still numbers."""

_NUMBERS = (Real, Decimal)
_LONGEST = 60


def finite_array(
    values: ArrayLike,
    *,
    name: str,
    axes: str,
    may_be_empty: bool = False,
    way_out: str = "reshape them",
) -> NDArray[np.float64]:
    """Return `values` as float64, with one axis per letter of `axes`.

    Args:
        values: numbers of any array type, also tensors on any device and with a gradient.
        name: what the values are, for the messages.
        axes: one letter per axis, such as "S" or "ST".
        may_be_empty: whether no value at all will do.
        way_out: what to do about another number of axes.

    Raises:
        ValueError: what is no array of real numbers, masked values, another number of axes, no
            value at all, or one that is not finite or beyond 1e290.
    """
    array = real_array(values, name=name, axes=axes, way_out=way_out)
    if array.size == 0:
        if may_be_empty:
            return array
        raise ValueError(f"{name} must hold at least one value, got none; measure a run first")
    unusable = array[~np.isfinite(array)]
    if unusable.size:
        raise ValueError(
            f"{name} must be finite, got {unusable[0]} ({unusable.size} of {array.size} values); "
            "leave out the runs that diverged"
        )
    largest = float(np.abs(array).max())
    if largest > LARGEST:
        raise ValueError(
            f"{name} must not be beyond {LARGEST:g} in size, got {largest:.12g}; "
            "state them in a larger unit"
        )
    return array


def real_array(
    values: ArrayLike, *, name: str, axes: str, way_out: str = "reshape them"
) -> NDArray[np.float64]:
    """Return `values` as float64 as `finite_array` does, but any number of them, finite or not.

    Raises:
        ValueError: what is no array of real numbers, masked values, or another number of axes.
    """
    array = _real_array(values, name)
    if array.ndim != len(axes):
        wanted = ", ".join(axes) + ("," if len(axes) == 1 else "")
        raise ValueError(f"{name} must have shape ({wanted}), got {array.shape}; {way_out}")
    return array


def real_number(value: Any, *, name: str) -> float:
    """Return one real number, which may be infinite or no number (NaN).

    Raises:
        ValueError: it is no real number.
    """
    array = _real_array(value, name)
    if array.ndim:
        raise ValueError(f"{name} must be a single number, got shape {array.shape}; choose one")
    return float(array)


def whole_number(
    value: Any, *, name: str, least: int, most: float = math.inf, way_out: str = "change it"
) -> int:
    """Return a whole number from `least` to `most`.

    Raises:
        ValueError: it is no whole number, or outside; the message ends in `way_out`.
    """
    number = real_number(value, name=name)
    if not math.isfinite(number) or number != int(number):
        raise ValueError(f"{name} must be a whole number, got {number:.15g}; round it")
    if number < least:
        raise ValueError(f"{name} must be at least {least}, got {number:.15g}; {way_out}")
    if number > most:
        raise ValueError(f"{name} must be at most {most:.15g}, got {number:.15g}; {way_out}")
    return int(value) if isinstance(value, Integral) else int(number)


def _real_array(values: Any, name: str) -> NDArray[np.float64]:
    _refuse_masked(values, name)
    # What overflows here is infinite, and refused as that where it matters.
    with suppress(TypeError, ValueError, RuntimeError, OverflowError), np.errstate(over="ignore"):
        array = np.asarray(_plain(values))
        if array.dtype.kind in "biuf" or all(
            isinstance(element, _NUMBERS) for element in array.flat
        ):
            return array.astype(np.float64)
    shown = repr(values)
    shown = shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}…"
    raise ValueError(f"{name} must be real numbers, got {shown}; pass one number per entry")


def _refuse_masked(values: Any, name: str) -> None:
    if isinstance(values, list | tuple):
        for value in values:
            _refuse_masked(value, name)
    elif np.ma.is_masked(values):
        masked = int(np.ma.getmaskarray(values).sum())
        raise ValueError(
            f"{name} must have no masked value, got {masked} of {np.size(values)}; "
            "leave those out, as .compressed() does"
        )


def _plain(values: Any) -> Any:
    """Take tensors, also those in lists, out of their graph, device and precision."""
    if isinstance(values, list | tuple):
        return [_plain(value) for value in values]
    return values.tolist() if hasattr(values, "detach") else values


def is_finite(value: Any) -> bool:
    """Whether a value is a number that a float can hold."""
    return isinstance(value, int | float) and -sys.float_info.max <= value <= sys.float_info.max


def all_finite(value: Any) -> bool:
    """Whether all numbers of nested lists and dictionaries are ones that a float can hold."""
    if isinstance(value, dict):
        return all(map(all_finite, value.values()))
    if isinstance(value, list):
        return all(map(all_finite, value))
    return is_finite(value)
