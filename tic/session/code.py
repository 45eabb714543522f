"""The code of kinds, compared with that by which a Store was filled.

What was stored for the same fields and version is taken for that of today's code. Whether it still
is, only the author knows; so a kind whose code became another without a new version is told, until
the version is raised or the author says that it does the same by removing the file.
Code is read and nothing of it is run: neither values of a machine nor its counters are part of it.
"""

from __future__ import annotations

import ast
import hashlib
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import find_spec, resolve_name
from pathlib import Path
from typing import Any

from tic.errors import UnwritableError
from tic.files import parse_json, read_stored
from tic.kinds import Kind, within
from tic.run import STATE
from tic.store import Store
from tic.writing import write_json

FILE = "code.json"
"""Of a Store: version and sha256 of the code of each kind when the Store was first used with it."""

_PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
"""Another one parses the same code otherwise."""

Codes = dict[str, dict[str, Any]]
"""By kind, such as `smith2024.kinds:Listener`: version, Python and sha256 of its code."""


def codes_of(modules: Iterable[str]) -> Codes:
    """Read the code of all kinds that the packages of some modules define, as far as imported."""
    sources: dict[str, _Source] = {}
    for package in sorted({package_of(module) for module in modules}):
        sources[package] = _Source(package)
    return {
        f"{kind.__module__}:{kind.__qualname__}": {
            "version": kind.version,
            "python": _PYTHON,
            "sha256": source.digest(kind.__module__, kind.__qualname__),
        }
        for kind in _kinds()
        if (source := sources.get(package_of(kind.__module__)))
    }


def kept_codes(store: Store) -> Codes:
    """What a Store has been told of code; nothing where that cannot be read, or of an empty one.

    One with epochs of a training that was interrupted is not empty: the training goes on from them.
    """
    if not any(any(store.root.glob(left)) for left in ("runs/*", f"work/*/{STATE}")):
        return {}
    try:
        kept: Codes = parse_json(read_stored(store.root / FILE))
        return {name: code for name, code in kept.items() if code.keys() == _FIELDS}
    except (OSError, ValueError, AttributeError):
        return {}


_FIELDS = {"version", "python", "sha256"}


def changed_kinds(before: Codes, now: Codes) -> list[str]:
    """Name the kinds whose code is another at the same version, as far as can be compared."""
    return sorted(
        name
        for name in before.keys() & now.keys()
        if before[name] != now[name]
        and {**before[name], "sha256": ""} == {**now[name], "sha256": ""}
    )


def keep_codes(store: Store, before: Codes, now: Codes) -> None:
    """Let a Store remember code, where it can be written, and go on remembering what changed."""
    codes = {**before, **now, **{name: before[name] for name in changed_kinds(before, now)}}
    if codes != before:
        with suppress(UnwritableError):
            write_json(store.root / FILE, codes)


def package_of(module: str) -> str:
    """The outermost package with a file of its own that a module is in, or the module itself."""
    parts = module.split(".")
    outer = (".".join(parts[:count]) for count in range(1, len(parts) + 1))
    return next((name for name in outer if _file(name)), module)


def _kinds() -> Iterator[type[Kind]]:
    """Every kind that its module has now; those of a former import of it are left out."""
    left = [Kind]
    while left:
        kind = left.pop()
        left += kind.__subclasses__()
        thing: Any = sys.modules.get(kind.__module__)
        for name in kind.__qualname__.split("."):
            thing = getattr(thing, "__dict__", {}).get(name)
        if thing is kind:
            yield kind


def _file(module: str) -> Path | None:
    """The file of a module that is imported, or would be; None where it has none."""
    with suppress(ImportError, ValueError, AttributeError):
        spec = _spec(module)
        if spec and spec.has_location and spec.origin:
            return Path(spec.origin)
    return None


def _spec(module: str) -> ModuleSpec | None:
    """Where a module is; `find_spec` would import the packages that it is in, and so run them."""
    if imported := sys.modules.get(module):
        return imported.__spec__
    package, _, _ = module.rpartition(".")
    if not package:
        return find_spec(module)
    around = _spec(package)
    places = around.submodule_search_locations if around else None
    return PathFinder.find_spec(module, places) if places else None


_Target = tuple[str, str | None]
"""A module, and a name in it or None for the module itself."""


@dataclass(frozen=True)
class _Module:
    """What the text of a module says.

    Attributes:
        definitions: Its statements, by the names that they bind.
        imports: By the names that imports bind.
        stars: Modules of which everything is imported.
    """

    definitions: Mapping[str, Sequence[ast.stmt]]
    imports: Mapping[str, _Target]
    stars: Sequence[str]


class _Source:
    """The text of a package, which is read once."""

    def __init__(self, package: str) -> None:
        self.package = package
        self._files: dict[str, Path | None] = {}
        self._modules: dict[str, _Module] = {}

    def digest(self, module: str, name: str) -> str:
        """Sha256 of a definition, and of all in its package that it names, directly or not.

        Comments, docstrings and layout are left out. What is looked up by a string while it runs
        is not found.

        Args:
            module: Of the package.
            name: Of a class or function in it, or of one inside that.
        """
        said: dict[tuple[str, str], str] = {}
        left = [(module, name.partition(".")[0])]
        while left:
            place = left.pop()
            if place not in said:
                statements = self._module(place[0]).definitions.get(place[1], ())
                said[place] = " ".join(map(ast.dump, statements))
                for statement in statements:
                    left += self._named(statement, place[0])
        text = "\n".join(f"{place} {said[place]}" for place in sorted(said))
        return hashlib.sha256(text.encode()).hexdigest()

    def _named(self, statement: ast.stmt, module: str) -> Iterator[tuple[str, str]]:
        """Definitions of the package that a statement names."""
        inside, _ = _imported(statement, self._around(module))
        for node in ast.walk(statement):
            if chain := _chain(node):
                yield from self._resolved(module, chain, inside)

    def _resolved(
        self,
        module: str,
        chain: Sequence[str],
        inside: Mapping[str, _Target],
        seen: frozenset[str] = frozenset(),
    ) -> Iterator[tuple[str, str]]:
        """The definitions that a chain of names may begin with, seen from a module."""
        if module in seen or not within(module, self.package):
            return
        first, *further = chain
        known = self._module(module)
        if first in known.definitions:
            yield module, first
        if target := inside.get(first) or known.imports.get(first):
            source, path = target[0], [*filter(None, target[1:]), *further]
            while path and self._file(f"{source}.{path[0]}"):
                source, path = f"{source}.{path[0]}", path[1:]
            if path:
                yield from self._resolved(source, path, {}, seen | {module})
        for source in known.stars:
            yield from self._resolved(source, chain, {}, seen | {module})

    def _module(self, name: str) -> _Module:
        if name not in self._modules:
            file = self._file(name)
            try:
                tree = ast.parse(file.read_bytes() if file else b"")
            except (OSError, SyntaxError, ValueError):
                tree = ast.Module([], [])
            self._modules[name] = _read(tree, self._around(name))
        return self._modules[name]

    def _around(self, module: str) -> str:
        """The package that relative imports of a module start from."""
        file = self._file(module)
        is_package = file is not None and file.name == "__init__.py"
        return module if is_package else module.rpartition(".")[0]

    def _file(self, module: str) -> Path | None:
        if module not in self._files:
            inside = within(module, self.package)
            self._files[module] = _file(module) if inside else None
        return self._files[module]


def _read(tree: ast.Module, around: str) -> _Module:
    _remove_docstrings(tree)
    definitions: dict[str, list[ast.stmt]] = {}
    imports: dict[str, _Target] = {}
    stars: list[str] = []
    for statement in tree.body:
        for name in _bound(statement):
            definitions.setdefault(name, []).append(statement)
        if not isinstance(statement, _DEFINITIONS):
            bound, everything = _imported(statement, around)
            imports |= bound
            stars += everything
    return _Module(definitions, imports, stars)


_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def _bound(statement: ast.stmt) -> set[str]:
    """Names that a statement of a module defines or changes; of an import none."""
    if isinstance(statement, _DEFINITIONS):
        return {statement.name}
    bound = set()
    for node in ast.walk(statement):
        if isinstance(node, _DEFINITIONS):
            bound.add(node.name)
        elif not isinstance(getattr(node, "ctx", ast.Load()), ast.Load):
            bound |= {*_chain(node)[:1]}  # NAME = …, TABLE["key"] = …, Net.forward = …
    return bound


def _imported(node: ast.AST, around: str) -> tuple[dict[str, _Target], list[str]]:
    """What imports in some code bind, and the modules of which they take everything."""
    imports: dict[str, _Target] = {}
    stars: list[str] = []
    for part in ast.walk(node):
        if isinstance(part, ast.Import):
            for alias in part.names:
                name = alias.name if alias.asname else alias.name.partition(".")[0]
                imports[alias.asname or name] = (name, None)
        elif isinstance(part, ast.ImportFrom):
            with suppress(ImportError):  # relative to more than there is
                source = resolve_name("." * part.level + (part.module or ""), around)
                for alias in part.names:
                    if alias.name == "*":
                        stars.append(source)
                    else:
                        imports[alias.asname or alias.name] = (source, alias.name)
    return imports, stars


def _chain(node: ast.AST) -> list[str]:
    """The names of `a.b.c`, of `a` alone, or of what is indexed there; nothing of other code."""
    names: list[str] = []
    while isinstance(node, ast.Attribute | ast.Subscript):
        names = [node.attr, *names] if isinstance(node, ast.Attribute) else []
        node = node.value
    return [node.id, *names] if isinstance(node, ast.Name) else []


def _remove_docstrings(tree: ast.AST) -> None:
    for node in ast.walk(tree):
        if isinstance(node, (*_DEFINITIONS, ast.Module)) and node.body:
            first = node.body[0]
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                node.body = node.body[1:]
