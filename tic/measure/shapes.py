"""Shapes of results, so that what a file gives for a measurement is what was measured."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, TypeAlias

from tic.arrays import is_finite

Shape: TypeAlias = "tuple[int, ...] | Mapping[str, Shape]"
"""Lengths of nested lists of numbers, none of a single number; or a shape for every key."""


def fits(value: Any, shape: Shape) -> bool:
    """Whether a value has a shape, and all its numbers are finite."""
    if isinstance(shape, Mapping):
        return (
            isinstance(value, dict)
            and value.keys() == shape.keys()
            and all(fits(value[key], inner) for key, inner in shape.items())
        )
    if shape:
        length, *rest = shape
        fit = partial(fits, shape=tuple(rest)) if rest else is_finite
        return isinstance(value, list) and len(value) == length and all(map(fit, value))
    return is_finite(value)
