"""Kinds: what a paper brings, as frozen dataclasses that are plain JSON, and back.

    {"kind": "tic.losses:AlphaLoss", "fields": {"alpha": 0.01, "per": "batch"}}

Data sets, architectures, losses, fittings, augmentations, attacks and measurements are kinds alike.
A kind is found by importing its module; there is no registry. Its fields are plain: bools, strings,
finite numbers, enums (described by their value), tuples (as lists), Recipes, and other kinds. What
is read may come from a stranger: nothing but dataclasses of trusted packages is ever made, and
nothing else is imported.
"""

from __future__ import annotations

import inspect
import math
import re
import sys
from collections.abc import Collection, Hashable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import MISSING, dataclass, fields, is_dataclass, replace
from enum import Enum
from functools import cache, reduce
from importlib import import_module
from pathlib import Path
from types import NoneType, UnionType
from typing import (
    Any,
    ClassVar,
    Literal,
    Self,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

from pydantic import BaseModel, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

from tic.errors import TicError
from tic.former import MOVED
from tic.text import quoted

OWN = "tic"
"""Package whose dataclasses are always known."""
DEPTH = 8
"""Descriptions within each other, at most."""
_trusted: ContextVar[tuple[str, ...]] = ContextVar("trusted", default=())


class Kind:
    """Base of what a paper brings; a subclass is a frozen dataclass.

    Attributes:
        version: Raised when the same fields mean other numbers than before, so that nothing that
            was stored for the former ones is taken for the new.
    """

    version: ClassVar[int] = 1

    def __init_subclass__(cls, **arguments: Any) -> None:
        """Refuse fields that stand in the way of what every kind has."""
        super().__init_subclass__(**arguments)
        for name, hint in vars(cls).get("__annotations__", {}).items():
            if name in ("name", "label", "version") and "ClassVar" not in str(hint):
                raise TicError(
                    f"a field of {cls.__name__} must not be called {name!r}, which every kind has; "
                    "give it another name"
                )

    def __post_init__(self) -> None:
        """Refuse fields that are not of their types; a subclass with rules of its own calls it.

        What is equal looks the same from then on: 1 is 1.0 in a field that is a float, and -0.0
        is 0.0.
        """
        _require_frozen(type(self))
        _require_types(self)
        kind: Any = type(self)
        hints = _hints(kind)
        for each in fields(self):  # type: ignore[arg-type]
            value = _canonical(getattr(self, each.name), hints[each.name])
            object.__setattr__(self, each.name, value)

    @property
    def name(self) -> str:
        """What it is called: the name of its class, in small letters."""
        return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", type(self).__name__).lower()

    @property
    def label(self) -> str:
        """Its name with the fields that are not as they are by default, for people and test ids."""
        parts = (f"{name}{_text(value)}" for name, value in changed_fields(self).items())
        return "-".join([self.name, *parts])

    def but(self, **changes: Any) -> Self:
        """Return a copy with some fields changed.

        Raises:
            TicError: It has no such field, or the field no such value.
        """
        known = [each.name for each in fields(self)]  # type: ignore[arg-type]
        for name in changes:
            if name not in known:
                raise TicError(
                    f"{type(self).__name__} has no field {quoted(name)}; it has "
                    f"{', '.join(known) or 'none'}"
                )
        return replace(self, **changes)  # type: ignore[type-var]

    def priced_as(self) -> Kind:
        """The kind that stands for this one where only cost counts; itself if nobody knows."""
        return self


def changed_fields(value: Any) -> dict[str, Any]:
    """The fields of a dataclass that are not as they are by default, those without default too."""
    return {
        each.name: getattr(value, each.name)
        for each in fields(value)
        if _default(each) is MISSING or _default(each) != getattr(value, each.name)
    }


def _default(field: Any) -> Any:
    return field.default if field.default_factory is MISSING else field.default_factory()


def _text(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, tuple):
        return ",".join(map(_text, value))
    return str(getattr(value, "label", value))  # a Recipe has one as a kind does


def flattened(described: Mapping[str, Any]) -> dict[str, Any]:
    """Lay out described fields side by side, for people to compare: {"loss.alpha": 0.01, …}.

    A kind stands under its own field by the name of its class, and its fields behind a dot.
    """
    flat: dict[str, Any] = {}
    for name, value in described.items():
        if isinstance(value, list):
            value = {str(number): each for number, each in enumerate(value, start=1)} or None
        elif isinstance(value, dict) and value.keys() == {"kind", "fields"}:
            flat[name] = str(value["kind"]).rpartition(":")[2]
            value = value["fields"]
        if isinstance(value, dict):
            flat |= {f"{name}.{inner}": each for inner, each in flattened(value).items()}
        else:
            flat[name] = value
    return flat


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
    described: dict[str, Any] = _describe(value, type(value).__name__, whole=True)
    return described


def identity(value: object) -> dict[str, Any]:
    """Describe a dataclass or Recipe by what tells it from others.

    These are the fields that are not as they are by default, so that one that is added with a
    default changes no identity. A version above 1 belongs to it.
    """
    described: dict[str, Any] = _describe(value, type(value).__name__, whole=False)
    return described


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


def foreign_modules(value: object) -> frozenset[str]:
    """Modules outside of `tic` that `restore` has to trust."""
    modules = {type(part).__module__ for part in _parts(value)}
    return frozenset(name for name in modules if not within(name, OWN))


def foreign_packages(value: object) -> frozenset[str]:
    """Packages of those modules; a module of no package stands for itself."""
    modules = {name: sys.modules.get(name) for name in foreign_modules(value)}
    return frozenset(getattr(module, "__package__", "") or name for name, module in modules.items())


def place(value: object) -> str:
    """Name a kind with the file and line that define it, for errors of whoever wrote it."""
    kind = type(value)
    try:
        file, line = inspect.getsourcefile(kind), inspect.getsourcelines(kind)[1]
    except (OSError, TypeError):  # typed into a shell
        return kind.__name__
    return f"{kind.__name__} ({Path(file or '?').name}:{line})"


def inner_versions(value: object) -> dict[str, int]:
    """Versions above 1 of the kinds within a kind, by their classes; none of its own."""
    _, *inner = _parts(value)
    versions = {type(part).__qualname__: getattr(part, "version", 1) for part in inner}
    return {name: version for name, version in sorted(versions.items()) if version != 1}


def within(module: str, package: str) -> bool:
    """Whether a module is a package, or of it."""
    return module == package or module.startswith(f"{package}.")


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
    _require_frozen(type(value))
    describe(value)
    return value


def _require_frozen(kind: type[Any]) -> None:
    """Refuse what has fields that nobody would see, or that could be written to."""
    parameters = vars(kind).get("__dataclass_params__")  # those of a base say nothing of its own
    if parameters is None or not parameters.frozen:
        name = kind.__name__
        raise TicError(f"{name} must be a frozen dataclass; write @dataclass(frozen=True) above it")


def _parts(value: Any) -> Iterator[Any]:
    """The dataclasses in a value, itself first."""
    if isinstance(value, tuple):
        for part in value:
            yield from _parts(part)
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _parts(getattr(value, name))
    elif is_dataclass(value):
        yield value
        for field in fields(value):
            yield from _parts(getattr(value, field.name))


def _describe(value: Any, where: str, *, whole: bool) -> Any:
    # A subclass, such as NumPy's floats, would come back as something with another repr.
    if value is None or type(value) in (bool, int, str):
        return value
    if type(value) is float and math.isfinite(value):
        return value
    if isinstance(value, Enum):
        return _describe(value.value, where, whole=whole)
    if type(value) is tuple:
        return [_describe(part, where, whole=whole) for part in value]
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json") if whole else _described_model(value, where)
    if is_dataclass(value) and not isinstance(value, type):
        return _described_kind(value, where, whole=whole)
    raise TicError(
        f"{where} must be a plain bool, string, finite number, enum, tuple or dataclass, so that "
        f"it can be kept and sent, got {value!r} of type {type(value).__name__}"
    )


def _described_kind(value: Any, where: str, *, whole: bool) -> dict[str, Any]:
    kind: Any = type(value)
    hints = _hints(kind)
    told = {each.name: getattr(value, each.name) for each in fields(value)}
    told = told if whole else changed_fields(value)
    described = {
        "kind": f"{kind.__module__}:{kind.__qualname__}",
        "fields": {
            name: _describe(
                own if whole else _canonical(own, hints[name]), f"{where}.{name}", whole=whole
            )
            for name, own in told.items()
        },
    }
    version = getattr(kind, "version", 1)
    return described if whole or version == 1 else {**described, "version": version}


def _described_model(value: BaseModel, where: str) -> dict[str, Any]:
    """The fields of a model that are not as they are by default, kinds by theirs."""
    return {
        name: _describe(getattr(value, name), f"{where}.{name}", whole=False)
        for name, each in type(value).model_fields.items()
        if each.is_required() or each.get_default() != getattr(value, name)
    }


def _canonical(value: Any, hint: Any) -> Any:
    """Write equal numbers alike: 1 as 1.0 where a field may be a float, and -0.0 as 0.0."""
    if get_origin(hint) in (Union, UnionType):
        return reduce(_canonical, get_args(hint), value)
    if type(value) is tuple and len(hints := _hints_of_parts(hint, len(value))) == len(value):
        return tuple(map(_canonical, value, hints))
    if hint is float and type(value) is int and abs(value) < 2**53:
        return float(value)
    return value + 0.0 if type(value) is float else value


def _hints_of_parts(hint: Any, count: int) -> tuple[Any, ...]:
    """Types that the parts of a tuple must have, if it has so many."""
    hints = get_args(hint)
    return hints[:1] * count if hints[-1:] == (Ellipsis,) else hints


@cache
def _hints(kind: Hashable) -> dict[str, Any]:
    """Types of the fields of a dataclass."""
    return get_type_hints(kind)


def _require_types(value: Any) -> None:
    kind: Any = type(value)
    hints = _hints(kind)
    for each in fields(value):
        own = getattr(value, each.name)
        if not _is_of(own, hints[each.name]):
            raise TicError(
                f"{type(value).__name__}: {each.name} must be {_type_of(each)}, got {quoted(own)}"
            )


def _type_of(field: Any) -> str:
    """Type of a field as it is written."""
    plainly = isinstance(field.type, type) and get_origin(field.type) is None
    return field.type.__name__ if plainly else str(field.type).removeprefix("typing.")


def _is_of(value: Any, hint: Any) -> bool:
    """Whether a value is what the type of a field says; what describing refuses passes here."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return any(_is_of(value, each) for each in arguments)
    if origin is tuple and type(value) is tuple:
        each = _hints_of_parts(hint, len(value))
        return len(each) == len(value) and all(map(_is_of, value, each))
    if isinstance(origin, type):
        return isinstance(value, origin)
    if isinstance(hint, type) and hint not in (bool, int, float, str, NoneType):
        return getattr(hint, "_is_protocol", False) or isinstance(value, hint)
    return _is_plainly(value, hint)


def _kind(document: Any, packages: Collection[str]) -> type[Any]:
    """Look up the dataclass that a description names, in these packages only."""
    if not isinstance(document, dict) or document.keys() != {"kind", "fields"}:
        raise TicError(f"a description has kind and fields and no more, got {quoted(document)}")
    named = document["kind"]
    named = MOVED.get(named, named) if isinstance(named, str) else named
    module, _, name = named.partition(":") if isinstance(named, str) else ("", "", "")
    if not all(part.isidentifier() for part in (*module.split("."), name)):
        raise TicError(f"a kind is written module:name, got {quoted(named)}")
    if not any(within(module, package) for package in packages):
        raise UntrustedError(named, packages)
    try:
        kind = getattr(import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise TicError(f"{named} is not to be found here ({error})") from error
    if not (isinstance(kind, type) and is_dataclass(kind) and kind.__module__ == module):
        raise TicError(f"{named} is no dataclass of that module")
    return kind


def _restored(document: Any, base: Any, packages: Collection[str], depth: int) -> Any:
    """Make a dataclass that is described, if it is of a class."""
    kind = _kind(document, packages)
    if not _is_kind_of(kind, base):
        raise TicError(f"{document['kind']} is no {base.__name__}")
    return _made(kind, document, packages, depth)


def _made(kind: Any, document: Any, packages: Collection[str], depth: int) -> Any:
    """Make a dataclass of the fields of its description, which are exactly its own."""
    if depth < 1:
        raise TicError(f"descriptions lie at most {DEPTH} deep in each other")
    given, own = document["fields"], {each.name: _type_of(each) for each in fields(kind)}
    if not isinstance(given, dict) or given.keys() != own.keys():
        raise TicError(f"{document['kind']} has the fields {[*own]}, got {quoted(given)}")
    hints, made = _hints(kind), {}
    for name in own:
        try:
            made[name] = _fitted(given[name], hints[name], packages, depth - 1)
        except _MisfitError:
            raise TicError(
                f"{document['kind']}: {name} must be {own[name]}, got {quoted(given[name])}"
            ) from None
    return kind(**made)


def _is_kind_of(kind: type[Any], base: Any) -> bool:
    """Whether a class is of another; of a protocol, which attacks are, if it can be called."""
    if getattr(base, "_is_protocol", False):
        return any("__call__" in vars(each) for each in kind.__mro__)
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
        if value not in [each.value for each in hint]:
            raise _MisfitError
        return hint(value)
    if isinstance(value, dict):
        return _fitted_document(value, hint, packages, depth)
    if not _is_plainly(value, hint):
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


def _is_plainly(value: Any, hint: Any) -> bool:
    """Whether a value is of a plain type as it is."""
    if get_origin(hint) is Literal:
        return value in get_args(hint)
    if hint is float:
        return type(value) in (int, float) and _is_finite(value)
    return hint in (bool, int, str, NoneType) and type(value) is hint


def _is_finite(value: float) -> bool:
    """Whether a number is one that a float can hold."""
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


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
    hints = _hints_of_parts(hint, len(value))
    if len(hints) != len(value):
        raise _MisfitError
    return tuple(
        _fitted(part, each, packages, depth) for part, each in zip(value, hints, strict=True)
    )
