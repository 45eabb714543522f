"""Walking two documents together: which of their leaves differ, and where they stand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from tic.text import shorten

_LONGEST_VALUE = 120
ABSENT = "absent"
"""Stands for what only the other document has."""

Value = TypeVar("Value")


@dataclass(frozen=True)
class FieldChange:
    """Anything else that is not the same, named by where it stands."""

    place: str
    before: str
    after: str


def changes(place: str, old: Any, new: Any) -> Iterator[FieldChange]:
    """Walk two documents together and report the leaves that differ."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in dict.fromkeys([*old, *new]):
            yield from changes(f"{place}.{key}", old.get(key, ABSENT), new.get(key, ABSENT))
    elif _is_list(old) and _is_list(new) and len(old) == len(new):
        for index, (before, after) in enumerate(zip(old, new, strict=True)):
            yield from changes(f"{place}[{index}]", before, after)
    elif old != new:
        yield FieldChange(place.lstrip("."), _shown(old), _shown(new))


def same_lengths(old: Any, new: Any) -> bool:
    """Whether the lists that two documents share are as long in both."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        return all(same_lengths(old[key], new[key]) for key in old.keys() & new.keys())
    if _is_list(old) and _is_list(new):
        return len(old) == len(new) and all(map(same_lengths, old, new))
    return True


def membership(
    kind: str, old: Mapping[str, object], new: Mapping[str, object]
) -> Iterator[FieldChange]:
    """Report what only one of two documents has."""
    yield from (FieldChange(f"{kind} {key}", "present", ABSENT) for key in old if key not in new)
    yield from (FieldChange(f"{kind} {key}", ABSENT, "present") for key in new if key not in old)


def shared(
    old: Mapping[str, Value], new: Mapping[str, Value]
) -> Iterator[tuple[str, Value, Value]]:
    """Walk through what both of two documents have, in the order of the first."""
    yield from ((key, value, new[key]) for key, value in old.items() if key in new)


def keyed(pairs: Iterable[tuple[str, Value]]) -> dict[str, Value]:
    """Make keys unique by numbering repetitions, so that none shadows another."""
    seen = Counter[str]()
    result = {}
    for key, value in pairs:
        seen[key] += 1
        result[key if seen[key] == 1 else f"{key} ({seen[key]})"] = value
    return result


def plain(record: Any, apart: set[str] | None = None) -> dict[str, Any]:
    """Return a record as plain values, without the fields `apart`."""
    plain: dict[str, Any] = record.model_dump(mode="json", exclude=apart)
    return plain


def _is_list(value: object) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _shown(value: object) -> str:
    return shorten(value if isinstance(value, str) else repr(value), _LONGEST_VALUE)
