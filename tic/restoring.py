"""Making kinds of their descriptions, which may come from a stranger.

Nothing but dataclasses of trusted packages is ever made, and nothing else is imported.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, fields, is_dataclass
from enum import Enum
from importlib import import_module
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

from tic.errors import TicError
from tic.field_types import allowed, hints_of, hints_of_parts, is_plainly
from tic.former import MOVED
from tic.kinds import OWN, describe, require_frozen, within
from tic.text import quoted

DEPTH = 8
"""Descriptions within each other, at most."""
_trusted: ContextVar[tuple[str, ...]] = ContextVar("trusted", default=())


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


@contextmanager
def trusting(packages: Collection[str]) -> Iterator[None]:
    """Let kinds of these packages or modules be made where a Recipe is read; they are imported."""
    token = _trusted.set((*_trusted.get(), *packages))
    try:
        yield
    finally:
        _trusted.reset(token)


def restore(document: Any, base: type[Any], trusted: Collection[str] = ()) -> Any:
    """Make what was described.

    Args:
        document: Parsed JSON, from wherever.
        base: Class that it must be of.
        trusted: Packages or modules beside `tic` whose dataclasses may be made; they are imported.

    Raises:
        UntrustedError: It describes something of a package that is not trusted.
        TicError: It describes nothing of the kind.
    """
    with trusting(trusted):
        return _restored(document, base, (OWN, *_trusted.get()), DEPTH)


@dataclass(frozen=True)
class Described:
    """Annotation of a field of a pydantic model that holds a kind: as JSON it is described.

    Attributes:
        base: Class that the kind must be of.
    """

    base: type[Any]

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Accept a kind as it is, or its description in JSON of a trusted package."""
        return core_schema.no_info_plain_validator_function(
            self._validated,
            serialization=core_schema.plain_serializer_function_ser_schema(describe),
        )

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """Say what every description has."""
        return {
            "type": "object",
            "description": f"{self.base.__name__}, as `tic.kinds` describes one.",
            "properties": {
                "kind": {"type": "string", "pattern": r"^[\w.]+:\w+$"},
                "fields": {"type": "object"},
            },
            "required": ["kind", "fields"],
            "additionalProperties": False,
        }

    def _validated(self, value: Any) -> Any:
        if isinstance(value, dict):
            return restore(value, self.base)
        return _require_kind(value, self.base)


def _require_kind(value: Any, base: type[Any]) -> Any:
    if not isinstance(value, base):
        raise TicError(
            f"must be of the class {base.__name__}, such as those of tic or a frozen dataclass of "
            f"your own, got {quoted(value)}"
        )
    require_frozen(type(value))
    describe(value)
    return value


def _kind(document: Any, packages: Collection[str]) -> type[Any]:
    """Look up the dataclass that a description names, in these packages only."""
    if not isinstance(document, dict) or document.keys() != {"kind", "fields"}:
        raise TicError(
            f"a description must have kind and fields and nothing else, got {quoted(document)}"
        )
    named = document["kind"]
    named = MOVED.get(named, named) if isinstance(named, str) else named
    module, _, name = named.partition(":") if isinstance(named, str) else ("", "", "")
    if not all(part.isidentifier() for part in (*module.split("."), name)):
        raise TicError(f"a kind must be written module:name, got {quoted(named)}")
    if not any(within(module, package) for package in packages):
        raise UntrustedError(named, packages)
    try:
        kind = getattr(import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise TicError(f"{named} cannot be found here ({error})") from error
    if not (isinstance(kind, type) and is_dataclass(kind) and kind.__module__ == module):
        raise TicError(f"{named} is not a dataclass of that module")
    return kind


def _restored(document: Any, base: Any, packages: Collection[str], depth: int) -> Any:
    """Make a dataclass that is described, if it is of a class."""
    kind = _kind(document, packages)
    if not _is_kind_of(kind, base):
        raise TicError(f"{document['kind']} is not of the class {base.__name__}")
    return _made(kind, document, packages, depth)


def _made(kind: Any, document: Any, packages: Collection[str], depth: int) -> Any:
    """Make a dataclass of the fields of its description, which are exactly its own."""
    if depth < 1:
        raise TicError(f"descriptions must be nested at most {DEPTH} deep")
    given, hints = document["fields"], hints_of(kind)
    types = {field.name: allowed(field, hints[field.name]) for field in fields(kind)}
    if not isinstance(given, dict) or given.keys() != types.keys():
        raise TicError(f"{document['kind']} must have the fields {[*types]}, got {quoted(given)}")
    made = {}
    for name in types:
        try:
            made[name] = _fitted(given[name], hints[name], packages, depth - 1)
        except _MisfitError:
            raise TicError(
                f"{document['kind']}: {name} must be {types[name]}, got {quoted(given[name])}"
            ) from None
    return kind(**made)


def _is_kind_of(kind: type[Any], base: Any) -> bool:
    """Whether a class is of another; of a protocol, which attacks are, if it can be called."""
    if getattr(base, "_is_protocol", False):
        return any("__call__" in vars(base) for base in kind.__mro__)
    return issubclass(kind, base)


class _MisfitError(Exception):
    """A value is not what a field's type says."""


def _fitted(value: Any, hint: Any, packages: Collection[str], depth: int) -> Any:
    """Return a value as its field wants it: a list as a tuple, an enum's value as the enum."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return _first_fitted(value, arguments, packages, depth)
    if origin is tuple:
        return _fitted_tuple(value, hint, packages, depth)
    if isinstance(hint, type) and issubclass(hint, Enum):
        if value not in [member.value for member in hint]:
            raise _MisfitError
        return hint(value)
    if isinstance(value, dict):
        return _fitted_document(value, hint, packages, depth)
    if not is_plainly(value, hint):
        raise _MisfitError
    return value


def _fitted_document(value: Any, hint: Any, packages: Collection[str], depth: int) -> Any:
    if not isinstance(hint, type) or hint in (bool, int, float, str, NoneType):
        raise _MisfitError
    if issubclass(hint, BaseModel):
        return hint.model_validate(value)
    kind = _kind(value, packages)
    if not _is_kind_of(kind, hint):
        raise _MisfitError
    return _made(kind, value, packages, depth)


def _first_fitted(value: Any, hints: tuple[Any, ...], packages: Collection[str], depth: int) -> Any:
    for hint in hints:
        try:
            return _fitted(value, hint, packages, depth)
        except _MisfitError:
            continue
    raise _MisfitError


def _fitted_tuple(value: Any, hint: Any, packages: Collection[str], depth: int) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise _MisfitError
    hints = hints_of_parts(hint, len(value))
    if len(hints) != len(value):
        raise _MisfitError
    return tuple(
        _fitted(part, part_hint, packages, depth)
        for part, part_hint in zip(value, hints, strict=True)
    )
