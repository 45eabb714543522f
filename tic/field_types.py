"""Types of the fields of dataclasses: what they say, and whether a value is of one."""

from __future__ import annotations

import math
from collections.abc import Hashable
from functools import cache, reduce
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from tic.text import quoted


@cache
def hints_of(kind: Hashable) -> dict[str, Any]:
    """Types of the fields of a dataclass."""
    return get_type_hints(kind)


def written_type(field: Any) -> str:
    """Type of a field as it is written."""
    plainly = isinstance(field.type, type) and get_origin(field.type) is None
    return field.type.__name__ if plainly else str(field.type).removeprefix("typing.")


def allowed(field: Any, hint: Any) -> str:
    """What a field may be: its values where it lists them, else its type as it is written."""
    if get_origin(hint) is Literal:
        return " or ".join(map(quoted, get_args(hint)))
    return written_type(field)


def hints_of_parts(hint: Any, count: int) -> tuple[Any, ...]:
    """Types that the parts of a tuple must have, if it has so many."""
    hints = get_args(hint)
    return hints[:1] * count if hints[-1:] == (Ellipsis,) else hints


def is_of(value: Any, hint: Any) -> bool:
    """Whether a value is what the type of a field says; what describing refuses passes here."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return any(is_of(value, argument) for argument in arguments)
    if origin is tuple and type(value) is tuple:
        parts = hints_of_parts(hint, len(value))
        return len(parts) == len(value) and all(map(is_of, value, parts))
    if isinstance(origin, type):
        return isinstance(value, origin)
    if isinstance(hint, type) and hint not in (bool, int, float, str, NoneType):
        return getattr(hint, "_is_protocol", False) or isinstance(value, hint)
    return is_plainly(value, hint)


def is_plainly(value: Any, hint: Any) -> bool:
    """Whether a value is of a plain type as it is."""
    if get_origin(hint) is Literal:
        return any(type(value) is type(known) and value == known for known in get_args(hint))
    if hint is float:
        return type(value) in (int, float) and _is_finite(value)
    return hint in (bool, int, str, NoneType) and type(value) is hint


def _is_finite(value: float) -> bool:
    """Whether a number is one that a float can hold."""
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def canonical(value: Any, hint: Any) -> Any:
    """Write equal numbers alike: 1 as 1.0 where a field may be a float, and -0.0 as 0.0."""
    if get_origin(hint) in (Union, UnionType):
        return reduce(canonical, get_args(hint), value)
    if type(value) is tuple and len(hints := hints_of_parts(hint, len(value))) == len(value):
        return tuple(map(canonical, value, hints))
    if hint is float and type(value) is int and abs(value) < 2**53:
        return float(value)
    return value + 0.0 if type(value) is float else value
