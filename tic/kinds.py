"""Kinds: what a paper brings, as frozen dataclasses that are plain JSON, and back.

    {"kind": "tic.losses:AlphaLoss", "fields": {"alpha": 0.01, "per": "batch"}}

Data sets, architectures, losses, fittings, augmentations, attacks and measurements are kinds alike.
A kind is found by importing its module; there is no registry. Its fields are plain: bools, strings,
finite numbers, enums (described by their value), tuples (as lists), Recipes, and other kinds.
`tic.restoring` makes them again.
"""

from __future__ import annotations

import inspect
import math
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, fields, is_dataclass, replace
from enum import Enum
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar, Self, TypeVar

from pydantic import BaseModel

from tic.errors import NotApplicableError, TicError
from tic.field_types import allowed, canonical, hints_of, is_of
from tic.text import quoted

OWN = "tic"
"""Package whose dataclasses are always known."""
_PLAIN = (bool, int, float, str, type(None))
"""Types with nothing inside."""


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
        require_frozen(type(self))
        _require_types(self)
        kind: Any = type(self)
        hints = hints_of(kind)
        for field in fields(self):  # type: ignore[arg-type]
            value = canonical(getattr(self, field.name), hints[field.name])
            object.__setattr__(self, field.name, value)

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
        known = [field.name for field in fields(self)]  # type: ignore[arg-type]
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


_K = TypeVar("_K", bound=Kind)


def as_kind(part: Kind, kind: type[_K]) -> _K:
    """Return a part of a Recipe as the kind that a claim is about.

    Raises:
        NotApplicableError: It is of another class, such as `--set` may have put in its place.
    """
    if not isinstance(part, kind):
        raise NotApplicableError(
            f"this is about a {kind.__name__} and its fields, and got {part.label}, a "
            f"{type(part).__name__}"
        )
    return part


def changed_fields(value: Any) -> dict[str, Any]:
    """The fields of a dataclass that are not as they are by default, those without default too."""
    return {
        field.name: getattr(value, field.name)
        for field in fields(value)
        if _default(field) is MISSING or _default(field) != getattr(value, field.name)
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
            value = {str(number): part for number, part in enumerate(value, start=1)} or None
        elif isinstance(value, dict) and value.keys() == {"kind", "fields"}:
            flat[name] = str(value["kind"]).rpartition(":")[2]
            value = value["fields"]
        if isinstance(value, dict):
            flat |= {f"{name}.{inner}": part for inner, part in flattened(value).items()}
        else:
            flat[name] = value
    return flat


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
    kind: Any = type(value)
    return _place_of(kind)


@lru_cache(maxsize=256)  # asked for in every step of a training, and reading a source takes long
def _place_of(kind: type[Any]) -> str:
    try:
        file, line = inspect.getsourcefile(kind), inspect.getsourcelines(kind)[1]
    except (OSError, TypeError):  # typed into a shell
        return kind.__name__
    return f"{kind.__name__} ({Path(file or '?').name}:{line})"


def require_importable(value: object) -> None:
    """Refuse kinds that only the process knows that made them.

    Raises:
        TicError: A class was defined within a function, or in what was started as a program.
    """
    for part in _parts(value):
        kind = type(part)
        if "<locals>" in kind.__qualname__ or kind.__module__ == "__main__":
            raise TicError(
                f"{place(part)} must be defined at the top of a module that can be imported, so "
                f"that other processes and tic verify find it, got {kind.__module__}:"
                f"{kind.__qualname__}; move it there"
            )


def kinds_within(value: object, base: type[Any]) -> tuple[type[Any], ...]:
    """Classes of the parts of a value that are of a base class, the value itself first."""
    return tuple(type(part) for part in _parts(value) if isinstance(part, base))


def inner_versions(value: object) -> dict[str, int]:
    """Versions above 1 of the kinds within a kind, by their classes; none of its own."""
    _, *inner = _parts(value)
    versions = {type(part).__qualname__: getattr(part, "version", 1) for part in inner}
    return {name: version for name, version in sorted(versions.items()) if version != 1}


def within(module: str, package: str) -> bool:
    """Whether a module is a package, or of it."""
    return module == package or module.startswith(f"{package}.")


def require_frozen(kind: type[Any]) -> None:
    """Refuse what has fields that nobody would see, or that could be written to."""
    parameters = vars(kind).get("__dataclass_params__")  # those of a base say nothing of its own
    if parameters is None or not parameters.frozen:
        name = kind.__name__
        raise TicError(f"{name} must be a frozen dataclass; write @dataclass(frozen=True) above it")


def _parts(value: Any) -> Iterator[Any]:
    """The dataclasses in a value, itself first."""
    if is_dataclass(value):
        yield value
    kind: Any = type(value)
    inside = [getattr(value, name) for name in _field_names(kind)]
    for part in value if isinstance(value, tuple) else inside:
        if type(part) not in _PLAIN:  # most are, and there are very many of them
            yield from _parts(part)


@lru_cache(maxsize=256)  # asked for of every Run, many times
def _field_names(kind: type[Any]) -> tuple[str, ...]:
    if issubclass(kind, BaseModel):
        return tuple(kind.model_fields)
    return tuple(field.name for field in fields(kind)) if is_dataclass(kind) else ()


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
    hints = hints_of(kind)
    values = {field.name: getattr(value, field.name) for field in fields(value)}
    values = values if whole else changed_fields(value)
    described = {
        "kind": f"{kind.__module__}:{kind.__qualname__}",
        "fields": {
            name: _describe(
                part if whole else canonical(part, hints[name]), f"{where}.{name}", whole=whole
            )
            for name, part in values.items()
        },
    }
    version = getattr(kind, "version", 1)
    return described if whole or version == 1 else {**described, "version": version}


def _described_model(value: BaseModel, where: str) -> dict[str, Any]:
    """The fields of a model that are not as they are by default, kinds by theirs."""
    return {
        name: _describe(getattr(value, name), f"{where}.{name}", whole=False)
        for name, field in type(value).model_fields.items()
        if field.is_required() or field.get_default() != getattr(value, name)
    }


def _require_types(value: Any) -> None:
    kind: Any = type(value)
    hints = hints_of(kind)
    for field in fields(value):
        part = getattr(value, field.name)
        if hints[field.name] is Any:
            raise TicError(
                f"{type(value).__name__}: {field.name} must be declared with the type of its "
                f"values, such as float or tuple[str, ...], got Any"
            )
        if not is_of(part, hints[field.name]):
            what = allowed(field, hints[field.name])
            raise TicError(
                f"{type(value).__name__}: {field.name} must be {what}, got {quoted(part)}"
            )
