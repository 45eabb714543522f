"""What decides in a claim's test: the functions that it reaches and the expressions that count.

Figures, tables, notes and comparisons with the paper decide nothing, nor does what only they use.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from types import FunctionType
from typing import Any

SHOWS = ("figure", "note", "compare", "table", "worst_case")
"""What a judge does beside judging; functions whose names begin so do it, too."""


def reached(test: Callable[..., None], pack: str) -> dict[FunctionType, None]:
    """The test and all functions of its pack that it decides by, called by their name.

    What the pack's module `runs` has is not among them: it measures, and real trainings test it.
    """
    functions: dict[FunctionType, None] = {}
    waiting: list[Any] = [test]
    while waiting:
        function = waiting.pop()
        if function not in functions:
            functions[function] = None
            names = _loaded(deciding(definition_of(function)))
            called = [function.__globals__.get(name) for name in sorted(names)]
            waiting += [each for each in called if _is_of(pack, each)]
    return functions


def _is_of(pack: str, called: object) -> bool:
    module = getattr(called, "__module__", None) or ""
    return isinstance(called, FunctionType) and module.startswith(pack) and module != f"{pack}.runs"


@cache
def definition_of(function: FunctionType) -> ast.FunctionDef:
    """What is written in its file."""
    (definition,) = (
        node
        for node in _module(function.__code__.co_filename).body
        if isinstance(node, ast.FunctionDef) and node.name == function.__name__
    )
    return definition


@cache
def _module(path: str) -> ast.Module:
    return ast.parse(Path(path).read_text(encoding="utf-8"))


def _loaded(nodes: Iterable[ast.AST]) -> set[str]:
    return {
        node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
    }


def _shows(name: str) -> bool:
    return name.lstrip("_").startswith((*SHOWS, "draw_", "show_"))


def deciding(function: ast.FunctionDef) -> Iterator[ast.AST]:
    """Nodes from which something may be changed, parents first."""
    used: set[str] = set()
    while True:
        nodes = [node for statement in function.body for node in _walk(statement, used)]
        names = _loaded(nodes)
        if names <= used:
            yield from nodes
            return
        used |= names


def _walk(node: ast.AST, used: set[str]) -> Iterator[ast.AST]:
    """The nodes of a statement that counts, without what is only read by people."""
    if isinstance(node, ast.stmt) and not _counts(node, used):
        return
    if isinstance(node, ast.JoinedStr) or getattr(node, "arg", "") in ("name", "unit"):
        return
    yield node
    for field, value in ast.iter_fields(node):
        if field not in ("annotation", "op", "ops", "ctx", "target", "targets"):
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST):
                    yield from _walk(child, used)


def _counts(statement: ast.stmt, used: set[str]) -> bool:
    if isinstance(statement, ast.For | ast.If):
        return any(_counts(inner, used) for inner in (*statement.body, *statement.orelse))
    if isinstance(statement, ast.Expr):
        called = getattr(statement.value, "func", None)
        name = getattr(called, "attr", getattr(called, "id", ""))
        return called is not None and not _shows(name) and ast.unparse(called) != "robustness.check"
    if isinstance(statement, ast.Return):
        return statement.value is not None
    if isinstance(statement, ast.Raise):
        return True
    targets = getattr(statement, "targets", [getattr(statement, "target", None)])
    stored = {n.id for t in targets if t for n in ast.walk(t) if isinstance(n, ast.Name)}
    return bool(stored & used)
