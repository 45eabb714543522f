"""Measurements as plain JSON, and back: nothing but dataclasses of known modules is ever made.

    {"kind": "tic.measure.catalogue:AccuracyMeasurement", "fields": {"epoch": 30, …}}

A corruption among the fields is described in the same form, an enum by its value, a tuple as a
list. What is read may come from a stranger.
"""

from __future__ import annotations

import math
import reprlib
import sys
from collections.abc import Collection, Iterator
from dataclasses import fields, is_dataclass
from enum import Enum
from importlib import import_module
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from tic.errors import TicError

OWN = "tic"
"""Package whose dataclasses are always known."""
DEPTH = 8
"""Descriptions and lists within each other, at most."""


class UntrustedError(TicError):
    """A description names a module of no package that is trusted; nothing of it was imported.

    Args:
        kind: What was named.
        packages: What is trusted.

    Attributes:
        module: Of the kind.
    """

    def __init__(self, kind: str, packages: Collection[str]) -> None:
        trusted = ", ".join(sorted(packages))
        super().__init__(f"{kind} is of no package that is trusted: {trusted}")
        self.module = kind.partition(":")[0]


def describe(value: object) -> dict[str, Any]:
    """Describe a dataclass as JSON that `restore` makes an equal one of.

    Raises:
        TicError: A field holds something that is not plain.
    """
    described: dict[str, Any] = _describe(value, type(value).__name__)
    return described


def restore(document: Any, base: type[Any], trusted: Collection[str] = ()) -> Any:
    """Make what was described.

    Args:
        document: Parsed JSON, from wherever.
        base: Class that it must be of. What lies in its fields must be a corruption.
        trusted: Packages or modules beside `tic` whose dataclasses may be made; they are imported.

    Raises:
        UntrustedError: It describes something of a package that is not trusted.
        TicError: It describes nothing of the kind.
    """
    kind = _kind(document, (OWN, *trusted))
    if not issubclass(kind, base):
        raise TicError(f"{document['kind']} is no {base.__name__}")
    return _make(kind, document, (OWN, *trusted), DEPTH)


def foreign_modules(value: object) -> frozenset[str]:
    """Modules outside of `tic` that `restore` has to trust."""
    modules = {type(part).__module__ for part in _parts(value)}
    return frozenset(name for name in modules if not within(name, OWN))


def foreign_packages(value: object) -> frozenset[str]:
    """Packages of those modules; a module of no package stands for itself."""
    modules = {name: sys.modules.get(name) for name in foreign_modules(value)}
    return frozenset(getattr(each, "__package__", "") or name for name, each in modules.items())


def _parts(value: Any) -> Iterator[Any]:
    """The dataclasses in a value, itself first."""
    if isinstance(value, tuple):
        for each in value:
            yield from _parts(each)
    elif is_dataclass(value):
        yield value
        for field in fields(value):
            yield from _parts(getattr(value, field.name))


def _describe(value: Any, where: str) -> Any:
    # A subclass, such as NumPy's floats, would come back as something with another repr.
    if value is None or type(value) in (bool, int, str):
        return value
    if type(value) is float and math.isfinite(value):
        return value
    if isinstance(value, Enum):
        return _describe(value.value, where)
    if type(value) is tuple:
        return [_describe(each, where) for each in value]
    if is_dataclass(value) and not isinstance(value, type):
        kind = type(value)
        return {
            "kind": f"{kind.__module__}:{kind.__qualname__}",
            "fields": {
                each.name: _describe(getattr(value, each.name), f"{where}.{each.name}")
                for each in fields(value)
            },
        }
    raise TicError(
        f"{where} must be a plain bool, string, finite number, enum, tuple or dataclass, so that "
        f"it can be kept and sent, got {value!r} of type {type(value).__name__}"
    )


def _kind(document: Any, packages: Collection[str]) -> type[Any]:
    """Look up the dataclass that a description names, in these packages only."""
    if not isinstance(document, dict) or document.keys() != {"kind", "fields"}:
        raise TicError(f"a description has kind and fields and no more, got {_short(document)}")
    named = document["kind"]
    module, _, name = named.partition(":") if isinstance(named, str) else ("", "", "")
    if not all(each.isidentifier() for each in (*module.split("."), name)):
        raise TicError(f"a kind is written module:name, got {_short(named)}")
    if not any(within(module, package) for package in packages):
        raise UntrustedError(named, packages)
    try:
        found = getattr(import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise TicError(f"{named} is not to be found here ({error})") from error
    if not (isinstance(found, type) and is_dataclass(found) and found.__module__ == module):
        raise TicError(f"{named} is no dataclass of that module")
    return found


def _make(kind: type[Any], document: dict[str, Any], packages: Collection[str], depth: int) -> Any:
    """Make a dataclass of the fields of its description, which are exactly its own."""
    given, own = document["fields"], {each.name: each.type for each in fields(kind)}
    if not isinstance(given, dict) or given.keys() != own.keys():
        raise TicError(f"{document['kind']} has the fields {[*own]}, got {_short(given)}")
    hints, made = get_type_hints(kind), {}
    for name in own:
        value = _nested(given[name], packages, depth - 1)
        try:
            made[name] = _fitted(value, hints[name])
        except _MisfitError:
            raise TicError(
                f"{document['kind']}: {name} must be {own[name]}, got {_short(value)}"
            ) from None
    return kind(**made)


def _nested(value: Any, packages: Collection[str], depth: int) -> Any:
    """Make the corruptions that are described in a field."""
    if not isinstance(value, dict | list):
        return value
    if depth < 1:
        raise TicError(f"descriptions lie at most {DEPTH} deep in each other")
    if isinstance(value, list):
        return [_nested(each, packages, depth - 1) for each in value]
    kind = _kind(value, packages)
    if not any("__call__" in vars(each) for each in kind.__mro__):
        raise TicError(f"{value['kind']} is no corruption")
    return _make(kind, value, packages, depth)


class _MisfitError(Exception):
    """A value is not what a field's type says."""


def _fitted(value: Any, hint: Any) -> Any:
    """Return a value as its field wants it: a list as a tuple, an enum's value as the enum."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return _first_fitted(value, arguments)
    if origin is tuple:
        return _fitted_tuple(value, arguments)
    if isinstance(hint, type) and issubclass(hint, Enum):
        if value not in [each.value for each in hint]:
            raise _MisfitError
        return hint(value)
    if not _is_plainly(value, hint):
        raise _MisfitError
    return value


def _is_plainly(value: Any, hint: Any) -> bool:
    """Whether a value is of a type as it is."""
    if get_origin(hint) is Literal:
        return value in get_args(hint)
    if hint is float:
        return type(value) in (int, float) and math.isfinite(value)
    if hint in (bool, int, str, NoneType):
        return type(value) is hint
    if getattr(hint, "_is_protocol", False):
        return is_dataclass(value)
    return isinstance(hint, type) and is_dataclass(hint) and isinstance(value, hint)


def _first_fitted(value: Any, hints: tuple[Any, ...]) -> Any:
    for hint in hints:
        try:
            return _fitted(value, hint)
        except _MisfitError:
            continue
    raise _MisfitError


def _fitted_tuple(value: Any, hints: tuple[Any, ...]) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise _MisfitError
    each = hints[:1] * len(value) if hints[-1:] == (Ellipsis,) else hints
    if len(each) != len(value):
        raise _MisfitError
    return tuple(_fitted(one, hint) for one, hint in zip(value, each, strict=True))


def within(module: str, package: str) -> bool:
    """Whether a module is a package, or of it."""
    return module == package or module.startswith(f"{package}.")


def _short(value: Any) -> str:
    return reprlib.repr(value)
