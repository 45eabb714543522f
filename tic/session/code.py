"""The code of kinds, compared with that by which a Store was filled.

What was stored for the same fields and version is taken for that of today's code. Whether it still
is, only the author knows; so a kind whose code became another without a new version is told once.
"""

from __future__ import annotations

import ast
import hashlib
import inspect
import sys
import textwrap
from collections.abc import Iterable, Iterator
from functools import lru_cache
from inspect import unwrap
from types import ModuleType
from typing import Any

from tic.files import parse_json, read_stored
from tic.kinds import Kind, within
from tic.store import Store
from tic.writing import write_json

FILE = "code.json"
"""Of a Store: version and sha256 of the code of each kind when the Store was last used."""

_PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
"""Another one parses the same code otherwise."""
_VALUES = (bool, int, float, str, bytes, type(None))


def changed_kinds(packages: Iterable[str], store: Store) -> list[str]:
    """Name the kinds of packages whose code is another than when the Store was last used.

    What the code is now is kept in the Store.

    Args:
        packages: As `tic.kinds.foreign_packages` names them.
        store: That was used.

    Returns:
        Such as `smith2024.kinds:Listener`; none that is new, or has another version than before.

    Raises:
        UnwritableError: The Store cannot be written.
    """
    known = _known(store)
    now = {
        f"{kind.__module__}:{kind.__qualname__}": {
            "version": kind.version,
            "python": _PYTHON,
            "sha256": code_digest(kind),
        }
        for kind in _kinds_of(tuple(packages))
    }
    if any(known.get(name) != code for name, code in now.items()):
        write_json(store.root / FILE, {**known, **now})
    return sorted(
        name
        for name, code in now.items()
        if name in known
        and known[name]["sha256"] != code["sha256"]
        and (known[name]["version"], known[name]["python"]) == (code["version"], code["python"])
    )


def code_digest(kind: type[object]) -> str:
    """Sha256 of the code of a class and of all in its package that it names, directly or not.

    Comments, docstrings and layout are left out.
    """
    package = _package(kind.__module__)
    said: dict[str, str] = {}
    left: list[Any] = [kind]
    while left:
        part = left.pop()
        name = f"{part.__module__}:{part.__qualname__}"
        if name not in said and within(part.__module__, package):
            said[name], named = _said(part)
            left += named
    text = "\n".join(f"{name} {said[name]}" for name in sorted(said))
    return hashlib.sha256(text.encode()).hexdigest()


@lru_cache(maxsize=2**12)  # kinds of a package share most of what they name
def _said(part: Any) -> tuple[str, tuple[Any, ...]]:
    """The code of a class or function with the plain values that it names; what else it names."""
    tree, module = _tree(part), sys.modules.get(part.__module__)
    named = dict(_named(tree, module)) if module else {}
    values = sorted((name, repr(v)) for name, v in named.items() if _is_plain(v))
    parts = [unwrap(value) for value in named.values() if callable(value)]
    return f"{ast.dump(tree)} {values!r}", tuple(
        part for part in parts if inspect.isclass(part) or inspect.isfunction(part)
    )


def _is_plain(value: object) -> bool:
    """Whether a value has a repr that tells it in any process."""
    return type(value) in _VALUES or (type(value) is tuple and all(map(_is_plain, value)))


def _known(store: Store) -> dict[str, Any]:
    try:
        known: dict[str, Any] = parse_json(read_stored(store.root / FILE))
        return {
            name: code
            for name, code in known.items()
            if {"version", "python", "sha256"} <= code.keys()
        }
    except (OSError, ValueError, AttributeError):
        return {}


def _kinds_of(packages: tuple[str, ...]) -> Iterator[type[Kind]]:
    """Kinds that these packages define and that can be imported from there now."""
    left = [Kind]
    while left:
        kind = left.pop()
        left += kind.__subclasses__()
        module = sys.modules.get(kind.__module__)
        here = any(within(kind.__module__, package) for package in packages)
        if here and getattr(module, kind.__qualname__, None) is kind:
            yield kind


def _package(module: str) -> str:
    return getattr(sys.modules.get(module), "__package__", "") or module


def _tree(thing: Any) -> ast.AST:
    """What a class or function says, without docstrings; nothing where its source is not there."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(thing)))
    except (OSError, TypeError, SyntaxError):
        return ast.Module([], [])
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            first = node.body[0]
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                node.body = node.body[1:]
    return tree


def _named(tree: ast.AST, module: ModuleType) -> Iterator[tuple[str, Any]]:
    """What the names in some code stand for, in its module or in one that it names there."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and hasattr(module, node.id):
            yield node.id, getattr(module, node.id)
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            owner = getattr(module, node.value.id, None)
            if isinstance(owner, ModuleType) and hasattr(owner, node.attr):
                yield f"{node.value.id}.{node.attr}", getattr(owner, node.attr)
